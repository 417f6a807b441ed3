import { describe, expect, it } from 'vitest';
import { createBus } from './memory.ts';

const clock = { now: () => 5, at: () => ({ cancel: () => undefined }) };

describe('bus', () => {
  it('delivers to the subscribers of a topic, in order, until they leave', () => {
    const bus = createBus(clock, { ring: 10 });
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
    const bus = createBus(clock, { ring: 10, onError: (error, topic) => errors.push([(error as Error).message, topic]) });
    const heard: unknown[] = [];
    bus.subscribe('a', () => {
      throw new Error('broken');
    });
    bus.subscribe('a', ({ data }) => heard.push(data));
    bus.publish('a', 1);
    expect(heard).toEqual([1]);
    expect(errors).toEqual([['broken', 'a']]);
  });

  it('replays what the ring holds and says when some is gone', () => {
    const bus = createBus(clock, { ring: 4 });
    for (let number = 1; number <= 6; number += 1) bus.publish(number % 2 === 0 ? 'even' : 'odd', number);
    const numbers = (topic: string, seq: number) => bus.since(topic, seq).events.map(({ data }) => data);
    expect(numbers('even', 2)).toEqual([4, 6]);
    expect(numbers('even', 4)).toEqual([6]);
    expect(numbers('odd', 0)).toEqual([3, 5]);
    expect(bus.since('even', 2).complete).toBe(true);
    expect(bus.since('even', 1).complete).toBe(false);
    expect(bus.since('even', 6)).toEqual({ events: [], complete: true });
    expect(bus.since('even', 99).complete).toBe(false);
    expect(createBus(clock, { ring: 4 }).since('x', 0)).toEqual({ events: [], complete: true });
  });

  it('keeps only the latest preview of a topic', () => {
    const bus = createBus(clock, { ring: 10 });
    const preview = (number: number) => ({ kind: 'preview', number });
    bus.publish('a', preview(1));
    bus.publish('b', preview(2));
    bus.publish('a', { kind: 'progress' });
    bus.publish('a', preview(3));
    expect(bus.since('a', 0).events.map(({ data }) => data)).toEqual([{ kind: 'progress' }, preview(3)]);
    expect(bus.since('b', 0).events.map(({ data }) => data)).toEqual([preview(2)]);
  });
});
