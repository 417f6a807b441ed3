import type { Clock, Random, Timer } from '../../src/fleet/clock.ts';
import { Heap } from '../../src/fleet/dispatch/heap.ts';
import { createIdMaker } from '../../src/fleet/system-clock.ts';
import { seededUint32 } from '../../src/planning/random.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until it is told to run; timers fire in order of time, then of being set. */
export class VirtualClock implements Clock {
  readonly #events = new Heap<Event>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  #now: number;
  #order = 0;

  constructor(startAt = 1_000_000) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  at(at: number, fn: () => void): Timer {
    const event: Event = { at: Math.max(at, this.#now), order: this.#order++, fn };
    this.#events.put(event);
    return { cancel: () => void this.#events.remove(event) };
  }

  /** Runs every timer up to `until`, letting promises settle after each. */
  async runUntil(until: number): Promise<void> {
    await settle();
    for (;;) {
      const next = this.#events.peek();
      if (!next || next.at > until) break;
      this.#events.pop();
      this.#now = next.at;
      next.fn();
      await settle();
    }
    this.#now = Math.max(this.#now, until);
  }

  async runFor(ms: number): Promise<void> {
    await this.runUntil(this.#now + ms);
  }
}

/** Lets every promise that can settle do so: a macrotask comes after all microtasks, however they chain. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Random numbers by a seed; ids follow the clock. */
export function seededRandom(seed: number, clock: Clock): Random & { chance(p: number): boolean } {
  const uint32 = seededUint32(seed);
  const uint48 = (): number => (uint32() & 0xffff) * 2 ** 32 + uint32();
  return { int: (below) => uint48() % below, id: createIdMaker(clock, uint48), chance: (p) => uint32() / 2 ** 32 < p };
}
