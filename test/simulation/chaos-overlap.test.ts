import { expect, test, vi } from 'vitest';
import type * as PerInputModule from '../../src/fleet/scaling/per-input.ts';
import { expectCalm, storm } from './storm.ts';

/** The usual policy, but it binds the next prompt to a busy container. */
vi.mock('../../src/fleet/scaling/per-input.ts', async (original) => {
  const { perInput } = await original<typeof PerInputModule>();
  return { perInput: { ...perInput, aimsAtTarget: true } };
});

test.each(Array.from({ length: 25 }, (_, n) => n + 1))(
  'under faults of seed %i, with prompts that wait at busy containers, no job is lost, none ends twice, no container stays',
  async (seed) => {
    const sim = await storm(seed, { outsideMs: { before: 400, after: 600 }, slots: 6 });
    await expectCalm(sim, seed);
    expect(sim.controller.running).toBe(0);
  },
);
