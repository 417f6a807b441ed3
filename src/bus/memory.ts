import type { Clock } from '../fleet/clock.ts';
import type { Bus, BusEvent } from './bus.ts';

export interface BusOptions {
  /** Topics whose streams can resume. */
  readonly kept: readonly string[];
  /** So many of their events are kept. */
  readonly ring: number;
  /** Hears of subscribers that threw. */
  readonly onError?: (error: unknown, topic: string) => void;
}

/**
 * The bus of one process. The ring holds the last events of the topics that are kept; steps and previews, which are many and large, would
 * soon push all else out of it.
 */
export function createBus(clock: Clock, { kept, ring, onError = reportLater }: BusOptions): Bus {
  const slots: BusEvent[] = [];
  const listeners = new Map<string, Set<(event: BusEvent) => void>>();
  let seq = 0;
  /** Where the oldest event of a full ring lies. */
  let oldest = 0;
  /** The number of the last event that has left the ring. */
  let gone = 0;

  function keep(event: BusEvent): void {
    if (slots.length < ring) {
      slots.push(event);
      return;
    }
    gone = slots[oldest]?.seq ?? gone;
    slots[oldest] = event;
    oldest = (oldest + 1) % ring;
  }

  return {
    publish(topic, data) {
      seq += 1;
      const event: BusEvent = { seq, topic, at: clock.now(), data };
      if (kept.includes(topic)) keep(event);
      for (const listener of listeners.get(topic) ?? []) {
        try {
          listener(event);
        } catch (error) {
          onError(error, topic);
        }
      }
    },

    subscribe(topic, listener) {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set);
      // A function of its own, so that subscribing the same listener twice is two subscriptions.
      const entry = (event: BusEvent): void => listener(event);
      set.add(entry);
      return () => {
        set.delete(entry);
        if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic);
      };
    },

    since(topic, after) {
      const inOrder = [...slots.slice(oldest), ...slots.slice(0, oldest)];
      const events = inOrder.filter((event) => event.topic === topic && event.seq > after);
      // A number from the future is of another life of this process: whatever came since then is gone.
      return { events, complete: kept.includes(topic) && after >= gone && after <= seq };
    },
  };
}

/** Without a listener for errors they reach the process as uncaught ones, after the others were served. */
function reportLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
