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

/** Settles after `ms`, or as soon as the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.at(clock.now() + ms, end);
    signal.addEventListener('abort', end);
  });
}
