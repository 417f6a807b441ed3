import type { Clock, Timer } from '../fleet/clock.ts';

/** What happens at one instant goes in this order, and within a kind in the order of being set. */
export const kinds = { completion: 0, ready: 1, arrival: 2, timer: 3 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

class Event implements Timer {
  readonly at: number;
  readonly kind: Kind;
  readonly order: number;
  /** Null: cancelled. */
  fn: (() => void) | null;

  constructor(at: number, kind: Kind, order: number, fn: () => void) {
    this.at = at;
    this.kind = kind;
    this.order = order;
    this.fn = fn;
  }

  cancel(): void {
    this.fn = null;
  }
}

/**
 * Virtual time in milliseconds from 0: events in order, each at its instant, nothing between them. To the code of the fleet it is a
 * clock, whose timers come after everything else of their instant. A binary heap; cancelled events stay in it until their time.
 */
export class Timeline implements Clock {
  readonly #heap: Event[] = [];
  #now = 0;
  #order = 0;
  /** Events so far. */
  events = 0;

  now(): number {
    return this.#now;
  }

  at(at: number, fn: () => void): Timer {
    return this.set(at, kinds.timer, fn);
  }

  /** Calls `fn` at `at`, or now when that is past. */
  set(at: number, kind: Kind, fn: () => void): Timer {
    const event = new Event(Math.max(at, this.#now), kind, this.#order++, fn);
    this.#push(event);
    return event;
  }

  /** What comes next, without doing it; null: nothing. */
  peek(): { readonly at: number; readonly kind: Kind } | null {
    while (this.#heap[0] && this.#heap[0].fn === null) this.#pop();
    return this.#heap[0] ?? null;
  }

  /** Does what comes next. */
  step(): void {
    const { at, fn } = this.#pop() as Event;
    if (fn === null) return;
    this.#now = at;
    this.events++;
    fn();
  }

  /** Nothing happens up to then. */
  skipTo(at: number): void {
    this.#now = Math.max(this.#now, at);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Event;
      if (!isBefore(event, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    const { length } = heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      const below = heap[child] as Event;
      if (!isBefore(below, last)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.kind === b.kind ? a.order < b.order : a.kind < b.kind;
}
