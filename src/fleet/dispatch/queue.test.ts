import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JobQueue, type QueuedJob } from './queue.ts';

// Order, keys and priorities without targets: dispatcher.test.ts.

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

const queueOf = (...jobs: QueuedJob[]): JobQueue => {
  const queue = new JobQueue();
  for (const one of jobs) queue.add(one);
  return queue;
};

function drain(queue: JobQueue): string[] {
  const ids: string[] = [];
  for (let next = queue.take(1); next; next = queue.take(1)) ids.push(next.id);
  return ids;
}

describe('a job that can no longer meet its target', () => {
  const late = job('1', { behind: { from: 10, to: 100 } });

  test('goes behind the others of its priority from then on, before those of a lower one', () => {
    const others = [job('2'), job('3'), job('4', { priority: -1 }), job('0', { priority: 1, behind: { from: 10, to: 100 } })];
    const at = (now: number): string[] => {
      const queue = queueOf(late, ...others);
      queue.turn(now);
      return drain(queue);
    };
    expect(at(9)).toEqual(['0', '1', '2', '3', '4']);
    expect(at(10)).toEqual(['0', '2', '3', '1', '4']);
    expect(at(99)).toEqual(['0', '2', '3', '1', '4']);
    expect(at(100)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('keeps its place among those behind, and is counted', () => {
    const queue = queueOf(job('2'), job('3', { behind: { from: 5, to: 100 } }), late);
    queue.turn(20);
    expect([queue.behind, queue.isBehind(late), queue.size]).toEqual([2, true, 3]);
    expect(drain(queue)).toEqual(['2', '1', '3']);
    expect(queue.behind).toBe(0);
  });

  test('comes back after its time, also if nobody looked meanwhile', () => {
    const queue = queueOf(job('2'), late);
    queue.turn(10);
    queue.turn(100);
    expect([queue.behind, queue.peek()?.id]).toEqual([0, '1']);
    const unseen = queueOf(job('2'), late);
    unseen.turn(500);
    expect([unseen.behind, unseen.peek()?.id]).toEqual([0, '1']);
  });

  test('can be removed, and comes anew with its own times', () => {
    const queue = queueOf(job('2'), late);
    queue.turn(10);
    expect(queue.remove('1')).toBe(late);
    expect([queue.behind, queue.size, queue.isBehind(late)]).toEqual([0, 1, false]);
    queue.add(late);
    expect(queue.peek()).toBe(late);
    queue.turn(11);
    expect(queue.peek()?.id).toBe('2');
  });

  test('is served fairly among the keys that are behind', () => {
    const behind = { from: 0, to: 100 };
    const queue = queueOf(...['1', '2', '3'].map((id) => job(id, { key: 'many', behind })), job('4', { key: 'few', behind }), job('5'));
    queue.turn(1);
    expect(drain(queue)).toEqual(['5', '1', '4', '2', '3']);
  });
});

describe('jobs that can all still meet their targets', () => {
  const due = (id: string, key: string, from: number): QueuedJob => job(id, { key, behind: { from, to: 1_000 } });
  const jobs = [due('1', 'many', 10), due('2', 'many', 20), due('3', 'many', 30), due('4', 'few', 25), due('5', 'few', 40)];

  test('go by when they must begin, whoever sent them', () => {
    const queue = queueOf(...jobs);
    expect(queue.first(4, 1).map(({ id }) => id)).toEqual(['1', '2', '4', '3']);
    expect(drain(queue)).toEqual(['1', '2', '4', '3', '5']);
  });

  test('go fairly as soon as one of all cannot, and by when they must begin again when that one is done', () => {
    const queue = queueOf(...jobs, due('0', 'late', 5));
    queue.turn(5);
    expect(queue.first(4, 1).map(({ id }) => id)).toEqual(['1', '4', '2', '5']);
    expect([queue.take(1), queue.take(1)].map((one) => one?.id)).toEqual(['1', '4']);
    queue.remove('0');
    expect(drain(queue)).toEqual(['2', '3', '5']);
  });

  test('a caller who floods keeps others waiting for no longer than the target allows', () => {
    const flood = Array.from({ length: 100 }, (_, n) => due(String(100 + n), 'flood', 10));
    const queue = queueOf(...flood, due('300', 'few', 12));
    queue.turn(9);
    expect(queue.peek()?.key).toBe('flood');
    queue.turn(10);
    expect(queue.peek()?.key).toBe('few');
  });

  test('keep the order that their own key gives them', () => {
    const queue = queueOf(due('1', 'many', 10), { ...due('2', 'many', 20), number: -1 }, due('3', 'few', 15));
    expect(drain(queue)).toEqual(['3', '2', '1']);
  });
});

const step = fc.oneof(
  fc.record({
    priority: fc.integer({ min: -1, max: 1 }),
    number: fc.nat(3),
    key: fc.constantFrom('u', 'v', null),
    waits: fc.option(fc.record({ from: fc.integer({ min: -5, max: 20 }), for: fc.integer({ min: 1, max: 20 }) })),
  }),
  fc.constantFrom('take' as const, 'remove' as const),
  fc.nat(8),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Plays the steps and looks at queue and expected jobs after each; `isBehind` as the times say. */
function play(steps: Step[], oneKey: boolean, look: (queue: JobQueue, inside: QueuedJob[], isBehind: (job: QueuedJob) => boolean) => void) {
  const queue = new JobQueue();
  let [inside, now, count]: [QueuedJob[], number, number] = [[], 0, 0];
  const isBehind = ({ behind }: QueuedJob): boolean => behind !== null && behind.from <= now && now < behind.to;
  for (const what of steps) {
    if (typeof what === 'number') now += what;
    else if (what === 'take') {
      const taken = queue.take(1);
      expect(taken === undefined).toBe(inside.length === 0);
      inside = inside.filter((one) => one !== taken);
    } else if (what === 'remove') {
      const [any] = inside.slice(count % 3);
      if (any) expect(queue.remove(any.id)).toBe(any);
      inside = inside.filter((one) => one !== any);
    } else {
      const { waits, ...more } = what;
      const behind = waits && { from: now + waits.from, to: now + waits.from + waits.for };
      const added = job(String(count++).padStart(4, '0'), { ...more, key: oneKey ? null : more.key, behind });
      queue.add(added);
      inside.push(added);
    }
    queue.turn(now);
    look(queue, inside, isBehind);
  }
}

const steps = fc.array(step, { minLength: 20, maxLength: 80 });

test('the order is by priority, then those not behind, then by number and age, whatever happens', () => {
  const seen = { behind: 0 };
  fc.assert(
    fc.property(steps, (list) => {
      play(list, true, (queue, inside, isBehind) => {
        const rank = (one: QueuedJob): (number | string)[] => [-one.priority, isBehind(one) ? 1 : 0, one.number, one.id];
        const first = inside.toSorted((a, b) => compare(rank(a), rank(b)))[0];
        expect(queue.peek()).toBe(first);
        expect(queue.behind).toBe(inside.filter(isBehind).length);
        if (first) expect(queue.isBehind(first)).toBe(isBehind(first));
        seen.behind += queue.behind;
      });
    }),
    { numRuns: 300 },
  );
  expect(seen.behind).toBeGreaterThan(300);
});

test('with keys, too, nobody is lost, and one behind goes only where no other of its priority waits', () => {
  fc.assert(
    fc.property(steps, (list) => {
      play(list, false, (queue, inside, isBehind) => {
        const first = queue.peek();
        expect([queue.size, [...queue.all()].map(({ id }) => id).sort()]).toEqual([inside.length, inside.map(({ id }) => id).sort()]);
        expect(queue.oldest()).toBe(inside[0]);
        for (const least of [-1, 0, 1, 2]) expect(queue.countFrom(least)).toBe(inside.filter(({ priority }) => priority >= least).length);
        if (!first) return;
        expect(first.priority).toBe(Math.max(...inside.map(({ priority }) => priority)));
        const same = inside.filter(({ priority }) => priority === first.priority);
        expect(isBehind(first)).toBe(same.every(isBehind));
        for (const one of queue.first(50, 1)) expect([one.priority, isBehind(one)]).toEqual([first.priority, isBehind(first)]);
      });
    }),
    { numRuns: 200 },
  );
});

function compare(a: (number | string)[], b: (number | string)[]): number {
  const at = a.findIndex((value, n) => value !== b[n]);
  return at === -1 ? 0 : (a[at] as number) < (b[at] as number) ? -1 : 1;
}
