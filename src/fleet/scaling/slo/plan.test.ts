import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planStarts, withMargin, type Outlook } from './plan.ts';

const steps = 16;

/** Jobs or containers by step, as the plan is told. */
const at = (...when: number[]): number[] => {
  const counts = Array.from({ length: steps }, () => 0);
  for (const step of when) counts[step] = (counts[step] as number) + 1;
  return counts;
};

const outlook = (given: Partial<Outlook> = {}): Outlook => ({
  latestStarts: at(),
  idle: 0,
  frees: at(),
  serviceSteps: 3,
  startSteps: 4,
  ...given,
});

describe('one job', () => {
  test('that can wait gets its start when it can be put off no longer', () => {
    expect(planStarts(outlook({ latestStarts: at(10) }))).toEqual({ start: 0, nextStartIn: 6, lost: 0 });
    expect(planStarts(outlook({ latestStarts: at(5) }))).toEqual({ start: 0, nextStartIn: 1, lost: 0 });
    expect(planStarts(outlook({ latestStarts: at(4) }))).toEqual({ start: 1, nextStartIn: null, lost: 0 });
  });

  test('that can no longer wait for a start is lost', () => {
    expect(planStarts(outlook({ latestStarts: at(3) }))).toEqual({ start: 0, nextStartIn: null, lost: 1 });
  });

  test('a start that takes parts of a step comes in the step after', () => {
    expect(planStarts(outlook({ latestStarts: at(4), startSteps: 3.5 })).start).toBe(1);
    expect(planStarts(outlook({ latestStarts: at(3), startSteps: 3.5 })).lost).toBe(1);
  });

  test.each([
    ['an idle container', { idle: 1 }],
    ['one that becomes free in time', { frees: at(4) }],
  ])('needs none where there is %s', (_, given) => {
    expect(planStarts(outlook({ latestStarts: at(4), ...given }))).toEqual({ start: 0, nextStartIn: null, lost: 0 });
  });

  test('is not helped by one that becomes free too late', () => {
    expect(planStarts(outlook({ latestStarts: at(4), frees: at(5) })).start).toBe(1);
  });

  test('in the last step may be far away: nothing is planned for it', () => {
    expect(planStarts(outlook({ latestStarts: at(steps - 1) }))).toEqual({ start: 0, nextStartIn: null, lost: 0 });
  });
});

test('a container takes one job after the other', () => {
  expect(planStarts(outlook({ latestStarts: at(0, 3, 6), idle: 1 }))).toEqual({ start: 0, nextStartIn: null, lost: 0 });
  expect(planStarts(outlook({ latestStarts: at(0, 2, 6), idle: 1 })).lost).toBe(1);
  expect(planStarts(outlook({ latestStarts: at(0, 4, 4), idle: 1 })).start).toBe(1);
});

const jobs = fc.array(fc.nat(steps - 2), { maxLength: 10 });
const outlooks = fc.record({
  jobs,
  idle: fc.nat(3),
  frees: fc.array(fc.nat(steps - 1), { maxLength: 4 }),
  serviceSteps: fc.integer({ min: 1, max: 6 }),
  startSteps: fc.integer({ min: 1, max: 8 }),
});

interface World {
  now: number;
  /** Last moments of jobs that wait. */
  waiting: number[];
  /** When each container becomes free next. */
  containers: number[];
  missed: number;
}

/** A step of the real thing: free containers take the most urgent jobs; those whose moment passes are missed. */
function play(world: World, serviceSteps: number): void {
  world.waiting.sort((a, b) => a - b);
  for (const [n, free] of world.containers.entries()) {
    if (free > world.now || world.waiting.length === 0) continue;
    world.waiting.shift();
    world.containers[n] = world.now + serviceSteps;
  }
  world.missed += world.waiting.filter((latest) => latest <= world.now).length;
  world.waiting = world.waiting.filter((latest) => latest > world.now);
}

type Given = { jobs: number[]; idle: number; frees: number[]; serviceSteps: number; startSteps: number };

const worldOf = ({ jobs: waiting, idle, frees }: Given): World => ({
  now: 0,
  waiting: [...waiting],
  containers: [...Array.from({ length: idle }, () => 0), ...frees],
  missed: 0,
});

const planOf = (given: Given): ReturnType<typeof planStarts> =>
  planStarts({ ...given, latestStarts: at(...given.jobs), frees: at(...given.frees) });

/** Jobs missed up to the step in which a start made now would help first, with so many of them. */
function missedWith(given: Given, starts: number): number {
  const world = worldOf(given);
  for (let n = 0; n < starts; n++) world.containers.push(given.startSteps);
  for (; world.now <= given.startSteps; world.now++) play(world, given.serviceSteps);
  return world.missed;
}

describe('against a game that plays every job and container', () => {
  test('the starts suffice for the jobs that would be late now, one fewer does not, and what is lost is lost anyway', () => {
    const seen = { starts: 0, lost: 0 };
    fc.assert(
      fc.property(outlooks, (given) => {
        const { start, lost } = planOf(given);
        expect(missedWith(given, start)).toBe(lost);
        expect(missedWith(given, start + 5)).toBe(lost);
        if (start > 0) expect(missedWith(given, start - 1)).toBe(lost + 1);
        seen.starts += start;
        seen.lost += lost;
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(seen.starts, seen.lost)).toBeGreaterThan(100);
  });

  test('planned step by step, no job is missed but those that were lost at the beginning, and every start is used', () => {
    fc.assert(
      fc.property(outlooks, (given) => {
        const world = worldOf(given);
        const { lost } = planOf(given);
        const { serviceSteps, startSteps } = given;
        const started: number[] = [];
        for (; world.now < 2 * steps; world.now++) {
          play(world, serviceSteps);
          const { start } = planOf(aheadOf(world, given));
          for (let n = 0; n < start; n++) started.push(world.containers.push(world.now + startSteps) - 1);
        }
        expect(world.missed).toBe(lost);
        for (const container of started) expect(world.containers[container]).toBeGreaterThan(startSteps);
      }),
      { numRuns: 1_000 },
    );
  });

  test('nothing is planned earlier than it says', () => {
    fc.assert(
      fc.property(outlooks, (given) => {
        const { nextStartIn, start } = planOf(given);
        fc.pre(start === 0);
        const world = worldOf(given);
        for (; world.now < steps; world.now++) {
          play(world, given.serviceSteps);
          const plan = planOf(aheadOf(world, given));
          if (plan.start > 0) break;
        }
        expect(world.now).toBe(nextStartIn ?? steps);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** What is ahead of a world after its step was played, as seen from there. */
function aheadOf({ now, waiting, containers }: World, given: Given): Given {
  const ahead = (when: number): number => Math.min(steps - 1, when - now);
  return {
    ...given,
    jobs: waiting.map(ahead),
    idle: containers.filter((free) => free <= now).length,
    frees: containers.filter((free) => free > now).map(ahead),
  };
}

test('more starting containers never mean more starts, nor do more idle ones', () => {
  fc.assert(
    fc.property(outlooks, fc.boolean(), (given, idle) => {
      const more = idle ? { ...given, idle: given.idle + 1 } : { ...given, frees: [...given.frees, given.startSteps] };
      const [before, after] = [planOf(given), planOf(more)];
      expect(after.start + after.lost).toBeLessThanOrEqual(before.start + before.lost);
    }),
    { numRuns: 1_000 },
  );
});

describe('a margin', () => {
  test('brings last moments forward, but not so far that a start would come too late', () => {
    expect(withMargin(at(10, 6, 5, 2), 3, 4)).toEqual(at(7, 4, 4, 2));
    expect(withMargin(at(10, 6), 3, 4.2)).toEqual(at(7, 5));
    expect(withMargin(at(10, 6), 0, 4)).toEqual(at(10, 6));
    expect(withMargin(at(steps - 1), 3, 4)).toEqual(at(steps - 1));
  });

  test('loses nobody, delays nobody, and lets nobody go who is not lost without it', () => {
    fc.assert(
      fc.property(outlooks, fc.nat(20), (given, margin) => {
        const { startSteps } = given;
        const before = at(...given.jobs);
        const after = withMargin(before, margin, startSteps);
        const until = (counts: readonly number[], step: number): number => counts.slice(0, step + 1).reduce((sum, count) => sum + count, 0);
        expect(until(after, steps)).toBe(until(before, steps));
        for (let step = 0; step < steps; step++) {
          expect(until(after, step)).toBeGreaterThanOrEqual(until(before, step));
          expect(until(after, step)).toBeLessThanOrEqual(until(before, step + margin));
        }
        expect(until(after, startSteps - 1)).toBe(until(before, startSteps - 1));
      }),
    );
  });
});
