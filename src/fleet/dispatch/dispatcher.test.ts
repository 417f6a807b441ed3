import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Dispatcher } from './dispatcher.ts';
import { Heap } from './heap.ts';
import { JobQueue, type QueuedJob } from './queue.ts';

const job = (id: string, more: Partial<QueuedJob> = {}): QueuedJob => ({
  id,
  priority: 0,
  number: 0,
  key: null,
  modelKey: '',
  createdAt: 0,
  behind: null,
  ...more,
});

function drain(queue: JobQueue, seconds = 1): string[] {
  const ids: string[] = [];
  for (let next = queue.take(seconds); next; next = queue.take(seconds)) ids.push(next.id);
  return ids;
}

describe('Heap', () => {
  test('gives items in order whatever is added, changed and removed', () => {
    const operations = fc.array(fc.tuple(fc.constantFrom('put', 'remove', 'change'), fc.nat(30), fc.nat(100)), { maxLength: 200 });
    fc.assert(
      fc.property(operations, (steps) => {
        const items = Array.from({ length: 31 }, (_, id) => ({ id, rank: 0 }));
        const heap = new Heap<{ id: number; rank: number }>((a, b) => (a.rank === b.rank ? a.id < b.id : a.rank < b.rank));
        const inside = new Set<number>();
        for (const [step, id, rank] of steps) {
          const item = items[id]!;
          if (step === 'remove') expect(heap.remove(item)).toBe(inside.delete(id));
          else if (step === 'put' || inside.has(id)) {
            item.rank = rank;
            heap.put(item);
            inside.add(id);
          }
        }
        const expected = [...inside].map((id) => items[id]!).sort((a, b) => a.rank - b.rank || a.id - b.id);
        const actual = Array.from({ length: heap.size }, () => heap.pop());
        expect(actual).toEqual(expected);
      }),
    );
  });
});

describe('JobQueue', () => {
  test('without keys it is first come, first served', () => {
    const queue = new JobQueue();
    for (const id of ['b', 'a', 'c']) queue.add(job(id));
    expect(queue.oldest()?.id).toBe('a');
    expect(drain(queue)).toEqual(['a', 'b', 'c']);
  });

  test('a higher priority goes first', () => {
    const queue = new JobQueue();
    queue.add(job('a'));
    queue.add(job('b', { priority: 5 }));
    queue.add(job('c', { priority: -5 }));
    expect(drain(queue)).toEqual(['b', 'a', 'c']);
  });

  test('a key with many jobs does not hold up a key with few', () => {
    const queue = new JobQueue();
    for (const n of [1, 2, 3, 4]) queue.add(job(`a${n}`, { key: 'many' }));
    for (const n of [1, 2]) queue.add(job(`b${n}`, { key: 'few' }));
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'a4']);
  });

  test('inside a key the smaller number goes first, and of equal ones the older', () => {
    const queue = new JobQueue();
    queue.add(job('a', { number: 3 }));
    queue.add(job('b', { number: -2 }));
    queue.add(job('d', { number: 1 }));
    queue.add(job('c', { number: 1 }));
    expect(queue.oldest()?.id).toBe('a');
    expect(drain(queue)).toEqual(['b', 'c', 'd', 'a']);
  });

  test('numbers order the jobs of a key, whatever they are, and never those of two keys', () => {
    const jobs = fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 100, max: 999 }), key: fc.constantFrom('x', 'y', 'z'), number: fc.integer({ min: -5, max: 5 }) }),
      { selector: ({ id }) => id },
    );
    fc.assert(
      fc.property(jobs, fc.array(fc.nat(20)), (list, removed) => {
        const queue = new JobQueue();
        for (const { id, key, number } of list) queue.add(job(`j${id}`, { key, number }));
        const gone = new Set(removed.flatMap((index) => (list[index] ? [`j${list[index].id}`] : [])));
        for (const id of gone) queue.remove(id);
        const taken = drain(queue).map((id) => list.find((entry) => `j${entry.id}` === id)!);
        const left = list.filter(({ id }) => !gone.has(`j${id}`));
        for (const key of ['x', 'y', 'z']) {
          const wanted = left.filter((entry) => entry.key === key).sort((a, b) => a.number - b.number || a.id - b.id);
          expect(taken.filter((entry) => entry.key === key)).toEqual(wanted);
        }
        // Equal service times: after each round every key that still waits has had the same share, whatever its numbers.
        const most = Math.min(...['x', 'y', 'z'].map((key) => left.filter((entry) => entry.key === key).length));
        for (let round = 0; round < most; round++) {
          expect(new Set(taken.slice(round * 3, round * 3 + 3).map(({ key }) => key)).size).toBe(3);
        }
      }),
    );
  });

  test('who comes back after a pause starts level, with no saved-up claim', () => {
    const queue = new JobQueue();
    queue.add(job('a0', { key: 'late' }));
    queue.take(1);
    for (const n of [1, 2, 3]) queue.add(job(`b${n}`, { key: 'steady' }));
    queue.take(1);
    queue.take(1);
    for (const n of [1, 2, 3]) queue.add(job(`c${n}`, { key: 'late' }));
    expect(drain(queue)).toEqual(['c1', 'b3', 'c2', 'c3']);
  });

  test('a removed job never comes out, and each added one comes out once', () => {
    const steps = fc.array(
      fc.record({ id: fc.nat(40), priority: fc.integer({ min: -2, max: 2 }), key: fc.constantFrom('x', 'y', null), remove: fc.boolean() }),
    );
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new JobQueue();
        const inside = new Set<string>();
        for (const step of list) {
          const id = `j${step.id}`;
          if (step.remove) expect(queue.remove(id) !== undefined).toBe(inside.delete(id));
          else if (!inside.has(id)) {
            queue.add(job(id, { priority: step.priority, key: step.key }));
            inside.add(id);
          }
        }
        expect(queue.size).toBe(inside.size);
        expect(drain(queue).sort()).toEqual([...inside].sort());
        expect(queue.oldest()).toBeUndefined();
      }),
    );
  });
});

describe('the head of the queue', () => {
  const jobs = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 100, max: 999 }),
      key: fc.constantFrom('x', 'y', 'z', null),
      number: fc.nat(5),
      priority: fc.nat(1),
    }),
    { selector: ({ id }) => id, minLength: 1 },
  );

  test('is what would be taken, as far as its priority goes', () => {
    fc.assert(
      fc.property(
        jobs,
        fc.array(fc.nat(20)),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (list, taken, count, seconds) => {
          const queue = new JobQueue();
          for (const { id, ...more } of list) queue.add(job(`j${id}`, more));
          // Shares that have received something before.
          for (const index of taken)
            if (list[index] && queue.size > 1) queue.take(seconds, queue.remove(`j${list[index].id}`) && queue.peek());
          const first = queue.first(count, seconds);
          const priority = queue.peek()?.priority;
          const order: QueuedJob[] = [];
          for (let next = queue.take(seconds); next; next = queue.take(seconds)) order.push(next);
          expect(first).toEqual(order.filter((one) => one.priority === priority).slice(0, count));
        },
      ),
    );
  });
});

describe('Dispatcher', () => {
  const containers = (...ids: string[]): Dispatcher => {
    const dispatcher = new Dispatcher();
    ids.forEach((id, n) => dispatcher.addContainer({ id, maxInputs: 1, inFlight: 0, modelKey: '', at: n }));
    return dispatcher;
  };

  test('binds nothing without a job or without a free place', () => {
    const dispatcher = containers();
    dispatcher.queue.add(job('a'));
    expect(dispatcher.next(0, 1)).toBeUndefined();
    expect(dispatcher.queue.size).toBe(1);
    expect(containers('x').next(0, 1)).toBeUndefined();
  });

  test('prefers the container that holds the models, else the one used last', () => {
    const dispatcher = containers('old', 'new');
    dispatcher.queue.add(job('a', { modelKey: 'sdxl' }));
    expect(dispatcher.next(10, 1)).toMatchObject({ container: 'new', reason: 'most recently used' });
    dispatcher.queue.add(job('b', { modelKey: 'flux' }));
    expect(dispatcher.next(20, 1)?.container).toBe('old');
    dispatcher.jobEnded('old', 30);
    dispatcher.jobEnded('new', 31);
    dispatcher.queue.add(job('c', { modelKey: 'flux' }));
    expect(dispatcher.next(40, 1)).toMatchObject({ container: 'old', reason: 'holds the models' });
  });

  test('several inputs go to the least loaded container', () => {
    const dispatcher = new Dispatcher();
    for (const id of ['x', 'y']) dispatcher.addContainer({ id, maxInputs: 2, inFlight: 0, modelKey: '', at: 0 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) dispatcher.queue.add(job(id));
    const bound = Array.from({ length: 5 }, () => dispatcher.next(1, 1)?.container);
    expect(bound).toEqual(['x', 'y', 'x', 'y', undefined]);
  });

  test('a removed container gets nothing more; a raised max_inputs opens places', () => {
    const dispatcher = containers('x', 'y');
    dispatcher.removeContainer('y');
    for (const id of ['a', 'b']) dispatcher.queue.add(job(id));
    expect(dispatcher.next(0, 1)?.container).toBe('x');
    expect(dispatcher.next(0, 1)).toBeUndefined();
    dispatcher.setMaxInputs(2);
    expect(dispatcher.next(0, 1)?.container).toBe('x');
  });
});
