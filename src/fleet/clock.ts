/** Time and randomness as ports: only `systemClock` and `systemRandom` read the machine's. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch, whole or fractional; never goes backwards within a process. */
  now(): number;
  /** Calls `fn` once, at or after `at` (same scale as `now`). A time in the past means as soon as possible. */
  at(at: number, fn: () => void): Timer;
}

export interface Random {
  /** A whole number in [0, below). `below` is at most 2^48. */
  int(below: number): number;
  /** A new UUIDv7 whose time part is the clock's. */
  id(): string;
}
