import { describe, expect, it } from 'vitest';
import { createBus } from './memory.ts';

const clock = { now: () => 5, at: () => ({ cancel: () => undefined }) };

describe('bus', () => {
  it('delivers to the subscribers of a topic, in order, until they leave', () => {
    const bus = createBus(clock, { kept: [], ring: 10 });
    const heard: unknown[] = [];
    const leave = bus.subscribe('a', ({ seq, data, at, topic }) => heard.push([seq, data, at, topic]));
    bus.publish('a', 1);
    bus.publish('b', 2);
    bus.publish('a', 3);
    leave();
    bus.publish('a', 4);
    expect(heard).toEqual([
      [1, 1, 5, 'a'],
      [3, 3, 5, 'a'],
    ]);
  });

  it('goes on after a subscriber that throws, and reports it', () => {
    const errors: unknown[] = [];
    const bus = createBus(clock, { kept: [], ring: 10, onError: (error, topic) => errors.push([(error as Error).message, topic]) });
    const heard: unknown[] = [];
    bus.subscribe('a', () => {
      throw new Error('broken');
    });
    bus.subscribe('a', ({ data }) => heard.push(data));
    bus.publish('a', 1);
    expect(heard).toEqual([1]);
    expect(errors).toEqual([['broken', 'a']]);
  });

  it('replays what the ring holds of the topics that are kept, and says when some is gone', () => {
    const bus = createBus(clock, { kept: ['even', 'fifth'], ring: 3 });
    const publish = (from: number, to: number): void => {
      for (let number = from; number <= to; number += 1)
        bus.publish(number % 5 === 0 ? 'fifth' : number % 2 === 0 ? 'even' : 'odd', number);
    };
    const numbers = (topic: string, seq: number) => bus.since(topic, seq).events.map(({ data }) => data);
    publish(1, 5);
    expect(numbers('even', 0)).toEqual([2, 4]);
    expect(numbers('fifth', 0)).toEqual([5]);
    expect(bus.since('even', 0).complete).toBe(true);
    publish(6, 9);
    expect(numbers('even', 0)).toEqual([6, 8]);
    expect(numbers('even', 6)).toEqual([8]);
    expect(bus.since('even', 4).complete).toBe(true);
    expect(bus.since('even', 3).complete).toBe(false);
    expect(bus.since('even', 9)).toEqual({ events: [], complete: true });
    expect(bus.since('even', 99).complete).toBe(false);
    expect(bus.since('odd', 0)).toEqual({ events: [], complete: false });
  });
});
