import type { Clock, Timer } from '../../src/fleet/clock.ts';

/** Time stands still until `step` fires the earliest timer: what a server does then waits for the test, not for the machine. */
export class SteppingClock implements Clock {
  #now = 1_700_000_000_000;
  readonly #timers = new Map<number, { at: number; fn: () => void }>();
  #next = 0;

  now(): number {
    return this.#now;
  }

  at(at: number, fn: () => void): Timer {
    const id = this.#next++;
    this.#timers.set(id, { at, fn });
    return { cancel: () => this.#timers.delete(id) };
  }

  step(): void {
    let first: [number, { at: number; fn: () => void }] | null = null;
    for (const entry of this.#timers) if (first === null || entry[1].at < first[1].at) first = entry;
    if (first === null) return;
    const [id, { at, fn }] = first;
    this.#timers.delete(id);
    this.#now = Math.max(this.#now, at);
    fn();
  }
}
