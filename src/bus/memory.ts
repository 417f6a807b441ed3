import type { Clock } from '../fleet/clock.ts';
import type { Bus, BusEvent } from './bus.ts';

export interface BusOptions {
  /** Events that are kept for streams that resume. */
  readonly ring: number;
  /** Hears of subscribers that threw. */
  readonly onError?: (error: unknown, topic: string) => void;
}

/**
 * The bus of one process. The ring holds the last events of all topics; of previews, which are large, only the latest of each
 * topic is kept.
 */
export function createBus(clock: Clock, { ring, onError = reportLater }: BusOptions): Bus {
  const slots: (BusEvent | null)[] = Array.from({ length: ring }, () => null);
  const listeners = new Map<string, Set<(event: BusEvent) => void>>();
  const lastPreview = new Map<string, number>();
  let seq = 0;

  function keep(event: BusEvent): void {
    const leaving = slots[event.seq % ring];
    if (leaving && lastPreview.get(leaving.topic) === leaving.seq) lastPreview.delete(leaving.topic);
    slots[event.seq % ring] = event;
    if ((event.data as { kind?: unknown } | null)?.kind !== 'preview') return;
    const earlier = lastPreview.get(event.topic);
    if (earlier !== undefined) slots[earlier % ring] = null;
    lastPreview.set(event.topic, event.seq);
  }

  return {
    publish(topic, data) {
      seq += 1;
      const event: BusEvent = { seq, topic, at: clock.now(), data };
      keep(event);
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
      const oldest = Math.max(1, seq - ring + 1);
      const events: BusEvent[] = [];
      for (let number = Math.max(oldest, after + 1); number <= seq; number += 1) {
        const event = slots[number % ring];
        if (event?.topic === topic) events.push(event);
      }
      // A number from the future is of another life of this process: whatever came since then is gone.
      return { events, complete: after >= oldest - 1 && after <= seq };
    },
  };
}

/** Without a listener for errors they reach the process as uncaught ones, after the others were served. */
function reportLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
