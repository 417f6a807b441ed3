import { expect, test } from 'vitest';
import { flatScaling } from '../config/flat-scaling.ts';
import { boundOf } from '../planning/plan/bound.ts';
import { evaluate } from '../planning/plan/evaluate.ts';
import { planOf } from '../planning/plan/planner.ts';
import { preparePlan } from '../planning/plan/prepare.ts';
import type { PlanQuestion } from '../planning/plan/question.ts';
import { drawTrace } from '../planning/workloads.ts';
import { openHighs } from '../solver/highs.ts';
import { runPlan } from './run-plan.ts';

const question: PlanQuestion = {
  source: { type: 'trace', trace: drawTrace('sparse', 1) },
  startMs: 3_000,
  outsideMs: { before: 200, after: 200 },
  loadMs: 0,
  horizonMs: null,
  seed: 1,
  slo: { p: 0.95, latencyMs: 8_000, windowMs: 300_000 },
  usdPerHour: 1.1,
  budgetUsdPerHour: null,
};

test('however it is spread over threads, the answer is the same as without any', async () => {
  const prepared = preparePlan(question, flatScaling);
  const runs = prepared.candidates.map((candidate) => evaluate(prepared, candidate));
  const alone = planOf(prepared, runs, boundOf(prepared, await openHighs()));
  expect(await runPlan(question, { threads: 1 })).toEqual(alone);
  expect(await runPlan(question, { threads: 3 })).toEqual(alone);
  expect(alone.lower_bound_usd_per_hour).toBeGreaterThan(0);
  expect(alone.lower_bound_usd_per_hour).toBeLessThan(alone.recommended?.usd_per_hour as number);
});

test('it tells how far it is, after each of its tasks', async () => {
  const shares: number[] = [];
  const { runs } = await runPlan(question, { threads: 2, onProgress: (share) => shares.push(share) });
  expect(shares).toEqual(Array.from({ length: runs.length + 1 }, (_, done) => (done + 1) / (runs.length + 1)));
});

test('it can be given up, before and while it runs', async () => {
  const given = new AbortController();
  const reason = new Error('the gateway stops');
  const running = runPlan(question, { signal: given.signal, onProgress: () => given.abort(reason) });
  await expect(running).rejects.toBe(reason);
  await expect(runPlan(question, { signal: given.signal })).rejects.toBe(reason);
});

test('users who wait for answers: no bound, and why', async () => {
  const users = { users: 3, endMs: 120_000, pauseMs: [1_000, 5_000], serviceMs: [3_500], seed: 1 } as const;
  const plan = await runPlan({ ...question, source: { type: 'users', users } });
  expect(plan).toMatchObject({ source: '3 users', lower_bound_usd_per_hour: null });
  expect(plan.lower_bound_missing).toBe('the jobs of users who wait depend on their answers');
});

test('what cannot be answered is refused before any thread is started', async () => {
  const shares: number[] = [];
  const impossible = runPlan({ ...question, slo: { ...question.slo, latencyMs: 3_000 } }, { onProgress: (share) => shares.push(share) });
  await expect(impossible).rejects.toMatchObject({ code: 'impossible_target', details: { reachable_s: expect.any(Number) as number } });
  expect(shares).toEqual([]);
});
