import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Dispatcher } from './dispatcher.ts';
import type { QueuedJob } from './queue.ts';
import { longestBypassMs, lookAhead } from './reorder.ts';

const job = (id: string, modelKey: string, more: Partial<QueuedJob> = {}): QueuedJob => ({
  id,
  priority: 0,
  number: 0,
  key: null,
  modelKey,
  createdAt: 0,
  behind: null,
  ...more,
});

/** Containers that hold these models and are free. */
function holding(models: Record<string, string>): Dispatcher {
  const dispatcher = new Dispatcher();
  for (const [id, modelKey] of Object.entries(models)) dispatcher.addContainer({ id, maxInputs: 1, inFlight: 0, modelKey, at: 0 });
  return dispatcher;
}

const second = 1_000;

describe('a job whose models nobody free holds', () => {
  test('lets one go first whose models are there', () => {
    const dispatcher = holding({ x: 'b' });
    for (const queued of [job('1', 'a'), job('2', 'c'), job('3', 'b')]) dispatcher.queue.add(queued);
    expect(dispatcher.next(10 * second, 1)).toMatchObject({ job: { id: '3' }, container: 'x', reason: 'holds the models' });
  });

  test('but not once it has waited for long, not beyond so many others, and not one of a lower priority', () => {
    const queue = [job('1', 'a'), job('3', 'b')];
    const first = (now: number, jobs: QueuedJob[]): string | undefined => {
      const dispatcher = holding({ x: 'b' });
      for (const queued of jobs) dispatcher.queue.add(queued);
      return dispatcher.next(now, 1)?.job.id;
    };
    expect([first(longestBypassMs - 1, queue), first(longestBypassMs, queue)]).toEqual(['3', '1']);
    expect(first(0, [job('1', 'a', { priority: 1 }), job('3', 'b')])).toBe('1');
    const others = (count: number): QueuedJob[] => Array.from({ length: count }, (_, n) => job(`2${String(n).padStart(2, '0')}`, 'c'));
    expect(first(0, [...others(lookAhead - 1), job('3', 'b')])).toBe('3');
    expect(first(0, [...others(lookAhead), job('3', 'b')])).toBe('200');
  });

  test('goes to a container that holds none, else to the one whose models are wanted least', () => {
    const dispatcher = holding({ x: 'b', y: 'c', z: '' });
    const ask = (id: string, model: string): string | undefined => {
      dispatcher.queue.add(job(id, model));
      return dispatcher.next(Number(id), 1)?.container;
    };
    for (const [id, model, container] of [
      ['1', 'c', 'y'],
      ['2', 'b', 'x'],
      ['3', 'b', 'x'],
    ] as const) {
      expect(ask(id, model)).toBe(container);
      dispatcher.jobEnded(container, Number(id));
    }
    expect(ask('4', 'a')).toBe('z');
    // x was used last, but its models are asked for more often than those of y.
    expect(ask('5', 'd')).toBe('y');
  });
});

describe('a container with its models is busy', () => {
  /** `warm` holds `a` and works for 10 s; `cold` is free and holds what is wanted less. */
  function busy(): Dispatcher {
    const dispatcher = holding({ warm: 'a', cold: 'b' });
    dispatcher.queue.add(job('0', 'a'));
    dispatcher.next(0, 10);
    return dispatcher;
  }

  test('it is waited for if that is sooner than a load, by one job', () => {
    const dispatcher = busy();
    dispatcher.queue.add(job('1', 'a'));
    expect(dispatcher.next(0, 10, 10 * second)?.container).toBe('cold');
    const other = busy();
    for (const id of ['1', '2']) other.queue.add(job(id, 'a'));
    expect(other.next(0, 10, 11 * second)).toMatchObject({ job: { id: '2' }, container: 'cold' });
    expect(other.next(0, 10, 11 * second)).toBeUndefined();
    other.jobEnded('warm', 10 * second);
    expect(other.next(10 * second, 10, 11 * second)).toMatchObject({ job: { id: '1' }, container: 'warm' });
  });

  test('for as long again as a load takes, when it is late; the time to look again is told', () => {
    const dispatcher = busy();
    dispatcher.queue.add(job('1', 'a'));
    expect(dispatcher.next(0, 10, 20 * second)).toBeUndefined();
    expect(dispatcher.lookAt).toBe(30 * second);
    expect(dispatcher.next(29 * second, 10, 20 * second)).toBeUndefined();
    expect(dispatcher.next(30 * second, 10, 20 * second)?.container).toBe('cold');
    expect(dispatcher.lookAt).toBeNull();
  });

  test('not by a job that has waited for long', () => {
    const dispatcher = busy();
    dispatcher.queue.add(job('1', 'a', { createdAt: 5 * second - longestBypassMs }));
    expect(dispatcher.next(0, 10, 20 * second)).toBeUndefined();
    expect(dispatcher.lookAt).toBe(5 * second);
    expect(dispatcher.next(5 * second, 10, 20 * second)?.container).toBe('cold');
  });

  test('not where loads are not known, nor instead of an empty container', () => {
    const dispatcher = busy();
    dispatcher.queue.add(job('1', 'a'));
    expect(dispatcher.next(0, 10)?.container).toBe('cold');
    const other = busy();
    other.addContainer({ id: 'empty', maxInputs: 1, inFlight: 0, modelKey: '', at: 0 });
    other.queue.add(job('1', 'a'));
    expect(other.next(0, 10, 60 * second)?.container).toBe('empty');
  });
});

/** What happens: a job comes, the longest running one ends, time passes (seconds). */
const step = fc.oneof(
  fc.record({ model: fc.constantFrom('a', 'b', 'c', 'd'), priority: fc.nat(1), key: fc.constantFrom('u', 'v', null) }),
  fc.constant('end' as const),
  fc.nat(30),
);

test('nobody is passed over for longer than the bound, nothing is lost, and free containers do not stand idle for ever', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.integer({ min: 0, max: 40 }), (steps, loadSeconds) => {
      const dispatcher = holding({ x: 'a', y: 'b', z: '' });
      const running: string[] = [];
      const seen = { in: 0, out: 0 };
      let now = 0;
      const bind = (): void => {
        for (;;) {
          const next = dispatcher.queue.peek();
          const order = dispatcher.queue.first(1_000, 5);
          const assignment = dispatcher.next(now, 5, loadSeconds * second);
          if (!assignment) {
            const isFull = running.length === 3;
            if (next && !isFull) expect(dispatcher.lookAt).toBeGreaterThan(now);
            break;
          }
          seen.out++;
          running.push(assignment.container);
          expect(assignment.job.priority).toBe(next!.priority);
          const before = order.slice(0, order.indexOf(assignment.job));
          expect(before.length).toBeLessThan(lookAhead);
          for (const passed of before) expect(now - passed.createdAt).toBeLessThan(longestBypassMs);
        }
      };
      for (const what of [...steps, 100]) {
        if (typeof what === 'number') now += what * second;
        else if (what === 'end') running.splice(0, 1).forEach((container) => dispatcher.jobEnded(container, now));
        else dispatcher.queue.add(job(String(seen.in++).padStart(4, '0'), what.model, { ...what, createdAt: now }));
        bind();
      }
      // After so long nobody waits for a busy container any more.
      expect(running.length === 3 || dispatcher.queue.size === 0).toBe(true);
      expect(seen.in).toBe(seen.out + dispatcher.queue.size);
    }),
  );
});
