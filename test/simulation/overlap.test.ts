import { describe, expect, test, vi } from 'vitest';
import type * as FixedModule from '../../src/fleet/scaling/fixed.ts';
import { simulate } from '../../src/planning/simulator.ts';
import { defaultScaling } from '../../src/fleet/scaling/settings.ts';
import { Simulation, type SimulationSettings } from './harness.ts';

/** A policy that binds the next prompt to a busy container: here `fixed`, beside others that do not. */
vi.mock('../../src/fleet/scaling/fixed.ts', async (original) => {
  const { fixed } = await original<typeof FixedModule>();
  return { fixed: { ...fixed, overlaps: true } };
});

const second = 1_000;
const outsideMs = { before: 400, after: 500 };
const overlapping = { policy: 'fixed', minContainers: 1, maxContainers: 1 } as const;
const alone = { policy: 'per-input', minContainers: 1, maxContainers: 1 } as const;

/** So many jobs at once on one container. */
async function live(
  scaling: typeof overlapping | typeof alone,
  count: number,
  more: Partial<SimulationSettings> = {},
): Promise<Simulation> {
  const sim = new Simulation({ outsideMs, deployments: { collage: scaling }, ...more });
  await sim.boot();
  await sim.clock.runFor(20 * second);
  for (let n = 0; n < count; n++) await sim.submit();
  return sim;
}

/** Seconds between the ends of jobs, once it runs. */
async function rhythm(scaling: typeof overlapping | typeof alone): Promise<number[]> {
  const sim = await live(scaling, 8);
  await sim.clock.runFor(100 * second);
  const ends = sim.ended.map(({ finishedAt }) => finishedAt!);
  return ends.slice(1).map((end, n) => (end - ends[n]!) / second);
}

describe('one container, jobs of 3.5 s on its GPU and 0.9 s outside it', () => {
  test('without overlap its GPU waits for each job', async () => {
    expect(await rhythm(alone)).toEqual(Array.from({ length: 7 }, () => 4.4));
  });

  test('with overlap its GPU waits for the second job only, as nothing is learnt before', async () => {
    expect(await rhythm(overlapping)).toEqual([3.9, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5]);
  });

  test('the simulator says the same', () => {
    const jobs = Array.from({ length: 8 }, () => ({ arrivalMs: 20_000, serviceMs: 3_500, model: '', user: null, workflow: '' }));
    const ends = (scaling: typeof overlapping | typeof alone): number[] => {
      const { responsesMs } = simulate({
        source: { name: 't', jobs },
        scaling: { ...defaultScaling, ...scaling },
        outsideMs,
        startMs: 15_500,
        horizonMs: null,
        periodMs: 100,
        slots: 10,
      });
      return [...responsesMs.subarray(1)].map((ms, n) => (ms - responsesMs[n]!) / second);
    };
    expect(ends(alone)).toEqual(Array.from({ length: 7 }, () => 4.4));
    expect(ends(overlapping)).toEqual([3.9, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5]);
  });
});

test('a container that is lost with a prompt on its GPU and one that waits: both are tried again', async () => {
  const sim = await live(overlapping, 5);
  await sim.clock.runFor(11 * second);
  const [id] = sim.fleet.servers.keys();
  expect([sim.controller.containers.get(id!)?.inFlight, sim.ended.length]).toEqual([2, 2]);
  sim.fleet.crash(id!);
  await sim.clock.runFor(60 * second);
  expect(sim.ended.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'succeeded'));
  expect(sim.ended.map(({ attempts }) => attempts).toSorted((a, b) => a - b)).toEqual([1, 1, 1, 2, 2]);
});

test.each([overlapping, alone])(
  'over a restart of the gateway nothing more is bound to a container than its policy allows: $policy',
  async (scaling) => {
    const sim = await live(scaling, 12);
    await sim.clock.runFor(11 * second);
    sim.kill();
    await sim.boot();
    let most = 0;
    for (let n = 0; n < 600; n++) {
      await sim.clock.runFor(100);
      most = Math.max(most, ...sim.controller.containers.all().map(({ inFlight }) => inFlight));
    }
    expect(sim.ended.map(({ state }) => state)).toEqual(Array.from({ length: 12 }, () => 'succeeded'));
    // With overlap: one collects outputs, one runs, one waits.
    expect(most).toBeLessThanOrEqual(scaling === overlapping ? 3 : 1);
  },
);
