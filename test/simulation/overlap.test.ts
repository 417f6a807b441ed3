import { describe, expect, test, vi } from 'vitest';
import type * as FixedModule from '../../src/fleet/scaling/fixed.ts';
import { simulate } from '../../src/planning/simulator.ts';
import { defaultScaling } from '../../src/fleet/scaling/settings.ts';
import { Simulation, type SimulationSettings } from './harness.ts';

/** A policy that binds the next prompt to a busy container: here `fixed`, beside others that do not. */
vi.mock('../../src/fleet/scaling/fixed.ts', async (original) => {
  const { fixed } = await original<typeof FixedModule>();
  return { fixed: { ...fixed, aimsAtTarget: true } };
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
async function rhythm(scaling: typeof overlapping | typeof alone, count: number): Promise<number[]> {
  const sim = await live(scaling, count);
  await sim.clock.runFor(count * 5 * second);
  const ends = sim.ended.map(({ finishedAt }) => finishedAt!);
  return ends.slice(1).map((end, n) => (end - ends[n]!) / second);
}

describe('one container, jobs of 3.5 s on its GPU and 0.9 s outside it', () => {
  test('without overlap its GPU waits for each job', async () => {
    expect(await rhythm(alone, 8)).toEqual(Array.from({ length: 7 }, () => 4.4));
  });

  test('with overlap its GPU soon waits for none, as it learns when to send the next one', async () => {
    const gaps = await rhythm(overlapping, 60);
    expect(gaps[0]).toBe(3.9);
    expect(Math.max(...gaps.slice(20))).toBeLessThan(3.6);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3.5);
  });

  test('the simulator says the same', async () => {
    const jobs = Array.from({ length: 60 }, () => ({ arrivalMs: 20_000, serviceMs: 3_500, model: '', user: null, workflow: '' }));
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
    expect(ends(alone)).toEqual(Array.from({ length: 59 }, () => 4.4));
    const live = await rhythm(overlapping, 60);
    const apart = ends(overlapping).map((gap, n) => Math.abs(gap - live[n]!));
    expect(Math.max(...apart)).toBeLessThan(0.001);
  });
});

test('a container that is lost with two prompts: both are tried again', async () => {
  const sim = await live(overlapping, 25);
  const [id] = sim.fleet.servers.keys();
  const inFlight = (): number => sim.controller.containers.get(id!)?.inFlight ?? 0;
  // By then it knows when to send the next one, while the one before is on the GPU.
  while (sim.ended.length < 20) await sim.clock.runFor(100);
  expect(inFlight()).toBe(1);
  while (inFlight() === 1) await sim.clock.runFor(10);
  expect(inFlight()).toBe(2);
  sim.fleet.crash(id!);
  await sim.clock.runFor(60 * second);
  expect(sim.ended.map(({ state }) => state)).toEqual(Array.from({ length: 25 }, () => 'succeeded'));
  expect(sim.ended.filter(({ attempts }) => attempts === 2)).toHaveLength(2);
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
