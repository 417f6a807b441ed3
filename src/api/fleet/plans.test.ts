import { afterEach, beforeEach, expect, test } from 'vitest';
import { containerOf, t0 } from '../../../test/contract/store-samples.ts';
import { createApiWorld, type ApiWorld } from '../../../test/support/api.ts';
import { flatScaling } from '../../config/flat-scaling.ts';
import { parseScaling } from '../../config/scaling.ts';
import { createPlans } from '../../plans/plans.ts';
import type { PlanQuestion } from '../../planning/plan/question.ts';
import { plan as planSchema } from '../plan-schemas.ts';
import { planQuestion } from './plan-question.ts';
import { planBody } from '../plan-schemas.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld({ config: { gpus: { A10G: { usdPerHour: 1.1 } } } });
});
afterEach(() => world.app.close());

const post = (payload: object) => world.app.inject({ method: 'POST', url: '/fleet/v1/plans', payload });
const get = async (id: string) => (await world.app.inject(`/fleet/v1/plans/${id}`)).json();
const questionOf = async (body: object): Promise<PlanQuestion> => (await planQuestion(world.context, planBody.parse(body))).question;

async function ended(id: string) {
  for (;;) {
    const plan = await get(id);
    if (plan.state !== 'running') return plan;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether somebody waits for a first start or not: enough of them to tell. */
const many = Array.from({ length: 20 }, (_, number) => ({ arrival_s: number * 10, service_s: 3 }));

/** Two come while a first start would take, one later. */
const trace = [
  { arrival_s: 0, service_s: 3 },
  { arrival_s: 1, service_s: 3 },
  { arrival_s: 300, service_s: 3 },
];

test('a trace: accepted at once, then its progress, then the result', async () => {
  const accepted = await post({ trace: many, slo: { p: 0.95, latency: '30s' }, price: 2 });
  expect(accepted.statusCode).toBe(202);
  const { id, ...first } = accepted.json();
  expect(first).toEqual({
    deployment: null,
    state: 'running',
    progress: 0,
    created_at: new Date(t0).toISOString(),
    finished_at: null,
    result: null,
    change: null,
    error: null,
  });
  expect(accepted.headers.location).toBe(`/fleet/v1/plans/${id}`);
  const plan = await ended(id);
  expect(planSchema.parse(plan)).toEqual(plan);
  expect(plan).toMatchObject({ state: 'done', progress: 1, error: null });
  expect(plan.result).toMatchObject({ simulated: true, met: true, price_usd_per_hour: 2, start_s: 20, outside_s: 0, source: 'trace' });
  expect(plan.result.recommended.usd_per_hour).toBeGreaterThan(plan.result.lower_bound_usd_per_hour);
  expect(plan.result.notes.join('\n')).toMatch(/Lower bound, .*: \$\d+\.\d\d\/h; recommended is \d+\.\d\d x that\.\nCost = /);

  // It can be applied as it is, whatever the deployment had: nothing of what was tuned before stays.
  const { policy, settings } = plan.result.recommended;
  await world.deployments.scale('collage', 'production', parseScaling({ policy, buffer_containers: 3, max_inputs: 7 }));
  const applied = await world.app.inject({ method: 'PATCH', url: '/fleet/v1/deployments/collage/scaling', payload: plan.change });
  expect(applied.statusCode).toBe(200);
  expect(world.deployments.get('collage').scaling).toEqual({
    ...flatScaling(policy, settings),
    slo: { p: 0.95, latencyMs: 30_000, windowMs: 300_000 },
  });
});

test('one at a time: another is refused until the first is ready', async () => {
  const first = (await post({ trace, slo: { latency: '30s' } })).json();
  const second = await post({ trace, slo: { latency: '30s' } });
  expect(second.statusCode).toBe(429);
  expect(second.headers['content-type']).toContain('application/problem+json');
  expect(second.json()).toMatchObject({ code: 'too_many_requests', plan: first.id });
  expect(second.headers['retry-after']).toBe('5');
  await ended(first.id);
  const third = await post({ trace, slo: { latency: '30s' } });
  expect(third.statusCode).toBe(202);
  await ended(third.json().id);
});

test('by a handful of jobs there is an answer, but nothing to apply', async () => {
  const { result, change } = await ended((await post({ trace, slo: { latency: '30s' } })).json().id);
  expect(result).toMatchObject({ met: true, jobs: 3 });
  expect(result.says[0]).toMatch(/^Made from 3 jobs: of fewer than 20 a 95th percentile means nothing/);
  expect(change).toBeNull();
});

test('one that runs is cancelled, with its threads, and one that does not is forgotten', async () => {
  const remove = (id: string, headers = {}) => world.app.inject({ method: 'DELETE', url: `/fleet/v1/plans/${id}`, headers });
  const { id } = (await post({ workload: 'bursty', slo: { latency: '8s' } })).json();
  const gone = await remove(id);
  expect([gone.statusCode, gone.body]).toEqual([204, '']);
  const cancelled = await get(id);
  expect(planSchema.parse(cancelled)).toEqual(cancelled);
  expect(cancelled).toMatchObject({ state: 'cancelled', result: null, change: null, error: null });
  expect(cancelled.finished_at).not.toBeNull();
  // Nothing is in the way of the next one.
  const next = (await post({ trace, slo: { latency: '30s' } })).json();
  expect(next.state).toBe('running');
  expect((await ended(next.id)).state).toBe('done');

  const { secret } = await world.context.keys.create('caller', 'invoke');
  expect((await remove(next.id, { authorization: `Bearer ${secret}` })).json()).toMatchObject({ status: 403, code: 'forbidden' });
  for (const ended of [id, next.id]) {
    expect((await remove(ended)).statusCode).toBe(204);
    expect(await get(ended)).toMatchObject({ status: 404, code: 'unknown_plan' });
    expect((await remove(ended)).json()).toMatchObject({ status: 404, code: 'unknown_plan' });
  }
});

test('a deployment gives its own jobs of the last day, its target, its starts and the price of the GPU', async () => {
  const { context, clock, deployments } = world;
  await deployments.scale('collage', 'production', { slo: { p: 0.9, latencyMs: 9_000, windowMs: 300_000 } });
  const answerOne = async (environment: string): Promise<void> => {
    const url = `/d/collage@${environment}/`;
    const answer = await world.app.inject({ method: 'POST', url, payload: { prompt: 'x' }, headers: { prefer: 'respond-async' } });
    await world.finish(answer.json().id);
  };
  const hour = 3_600_000;
  await answerOne('production');
  await clock.runFor(20 * hour);
  await answerOne('production');
  await answerOne('staging');
  await clock.runFor(3 * hour);
  await answerOne('production');
  await clock.runFor(2 * hour);
  for (const [id, ms] of Object.entries({ a: 2_000, b: 7_000, c: 9_000 })) {
    await context.store.saveContainer(containerOf(id, { startedAt: t0, readyAt: t0 + ms }));
  }
  await context.store.saveContainer(containerOf('d', { startedAt: t0, readyAt: t0 + 1, environment: 'staging' }));
  const { source, ...question } = await questionOf({ deployment: 'collage' });
  const named = async (body: object) => (await planQuestion(context, planBody.parse(body))).deployment;
  expect(await named({ deployment: 'collage' })).toBe('collage@production');
  // What is drawn for it is not its own.
  expect(await named({ deployment: 'collage', workload: 'sparse' })).toBeNull();
  expect(question).toMatchObject({
    startMs: 7_000,
    usdPerHour: 1.1,
    slo: { p: 0.9, latencyMs: 9_000 },
    budgetUsdPerHour: null,
    horizonMs: 24 * hour,
  });
  // The first came 25 h ago; the trace begins 24 h ago.
  const job = { serviceMs: 3_500, model: '', user: null, workflow: expect.any(String) };
  expect(source).toEqual({
    type: 'trace',
    trace: {
      name: 'collage@production',
      jobs: [
        { ...job, arrivalMs: 19 * hour },
        { ...job, arrivalMs: 22 * hour },
      ],
    },
  });
});

test('what a job takes outside the GPU, and loads, are as the fleet has learnt, unless they are given', async () => {
  const learnt = { startMs: null, leadMs: 104.4, afterMs: 407, loadMs: 2_000 };
  const other = await createApiWorld({ change: () => ({ learnt: ({ name }) => (name === 'collage' ? learnt : null) }) });
  const asked = async (body: object) => (await planQuestion(other.context, planBody.parse({ workload: 'sparse', ...body }))).question;
  expect(await asked({ deployment: 'collage' })).toMatchObject({ outsideMs: { before: 104, after: 407 }, loadMs: 2_000 });
  const given = { deployment: 'collage', outside_seconds: 0, load_seconds: 0 };
  expect(await asked(given)).toMatchObject({ outsideMs: { before: 0, after: 0 }, loadMs: 0 });
  for (const body of [{}, { deployment: 'portrait' }])
    expect(await asked(body)).toMatchObject({ outsideMs: { before: 0, after: 0 }, loadMs: 0 });
  await other.app.close();
});

test('workloads and users who wait; what is given stands before what the deployment has', async () => {
  const drawn = await questionOf({ workload: 'sparse', seed: 3, start_seconds: 2.5, outside_seconds: 0.9, deployment: 'collage' });
  expect(drawn).toMatchObject({ startMs: 2_500, outsideMs: { before: 450, after: 450 }, seed: 3, source: { trace: { name: 'sparse' } } });
  const closed_loop = { users: 10, pause_seconds: [1, 5], service_seconds: [3.5] };
  const { source } = await questionOf({ closed_loop, budget: { usd_per_hour: 3 } });
  expect(source).toEqual({
    type: 'users',
    users: { users: 10, endMs: 3_600_000, pauseMs: [1_000, 5_000], serviceMs: [3_500], seed: 1 },
  });
});

test.each([
  [{}, 400, 'invalid_parameter', 'say what to plan for'],
  [{ deployment: 'nothing' }, 404, 'unknown_deployment', 'nothing'],
  [{ deployment: 'collage' }, 400, 'invalid_parameter', 'no job came to collage in the last 24 h'],
  [{ workload: 'sparse', trace }, 400, 'invalid_parameter', 'give one of workload, closed_loop and trace'],
  [{ workload: 'sprse' }, 400, 'invalid_parameter', 'workload'],
  [{ trace: [] }, 400, 'invalid_parameter', 'trace: must have at least 1 entry, not 0'],
  [{ trace: [{ arrival_s: 0, service_s: 1e8 }] }, 422, 'invalid_trace', 'trace has a job of 100000000 s on the GPU'],
  [{ trace, start_seconds: 1e9 }, 400, 'invalid_parameter', 'start_seconds: must be at most 3600, not 1000000000'],
  [{ trace, start_seconds: 1e308 }, 400, 'invalid_parameter', 'start_seconds: must be at most 3600, not 1e+308'],
  [{ trace, outside_seconds: 3_601 }, 400, 'invalid_parameter', 'outside_seconds: must be at most 3600'],
  [{ trace, load_seconds: 3_601 }, 400, 'invalid_parameter', 'load_seconds: must be at most 3600'],
  [{ trace, horizon_seconds: 1e9 }, 400, 'invalid_parameter', 'horizon_seconds: must be at most 2678400'],
  [{ trace, price: 1e308 }, 400, 'invalid_parameter', 'price: must be at most 1000, not 1e+308'],
  [{ trace, budget: { usd_per_hour: 1e7 } }, 400, 'invalid_parameter', 'budget.usd_per_hour: must be at most 1000000'],
  [
    { closed_loop: { users: 1e6, pause_seconds: [1, 1e6], service_seconds: [] } },
    400,
    'invalid_parameter',
    'closed_loop.users: must be at most 10000, not 1000000; closed_loop.pause_seconds.1: must be at most 86400, not 1000000; ' +
      'closed_loop.service_seconds: must have at least 1 entry, not 0',
  ],
  [{ trace: trace.toReversed() }, 422, 'invalid_trace', 'trace:2 arrival_s 1 comes after 300 of an earlier line: sort the lines'],
  [{ trace: [{ arrival_s: -1, service_s: 3 }] }, 422, 'invalid_trace', 'trace:1 arrival_s must be a number of seconds >= 0, got -1'],
  [{ trace: [{ arrival_s: 0, service_s: 3, colour: 1 }] }, 422, 'invalid_trace', 'has an unknown column "colour"'],
  [{ trace, slo: { latency: '2s' } }, 422, 'impossible_target', 'the lowest that is possible is p95=3s'],
  [{ trace, slo: { latency: 'fast' } }, 400, 'invalid_parameter', 'slo.latency'],
  [{ trace, price: -1 }, 400, 'invalid_parameter', 'price'],
  [{ trace, start_seconds: -1 }, 400, 'invalid_parameter', 'start_seconds'],
  [{ trace, colour: 'red' }, 400, 'invalid_parameter', 'colour'],
  [
    { closed_loop: { users: 1, pause_seconds: [5, 1], service_seconds: [1] } },
    400,
    'invalid_parameter',
    'the least pause must not be longer',
  ],
])('%j is refused (%i %s): %s', async (body, status, code, message) => {
  const answer = await post(body);
  expect(answer.json()).toMatchObject({ status, code });
  expect(answer.json().detail).toContain(message);
  expect(answer.headers['content-type']).toContain('application/problem+json');
});

test('a budget without any price is refused', async () => {
  const free = await createApiWorld();
  const answer = await free.app.inject({ method: 'POST', url: '/fleet/v1/plans', payload: { trace, budget: { usd_per_hour: 1 } } });
  expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_parameter', detail: 'A budget needs the price of a GPU-hour' });
  await free.app.close();
});

test('a plan that there is not', async () => {
  expect(await get('nothing')).toMatchObject({ status: 404, code: 'unknown_plan' });
});

test('only admins may ask', async () => {
  const { secret } = await world.context.keys.create('caller', 'invoke');
  const headers = { authorization: `Bearer ${secret}` };
  const answer = await world.app.inject({ method: 'POST', url: '/fleet/v1/plans', payload: { trace }, headers });
  expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden' });
});

test('what broke is told to the one who asked without its inside, and reported; the last twenty are kept', async () => {
  const reported: unknown[] = [];
  const broken = new Error('the thread died');
  const plans = createPlans({
    clock: world.clock,
    random: world.context.random,
    run: () => Promise.reject(broken),
    report: (error) => reported.push(error),
  });
  const question = await questionOf({ trace, slo: { latency: '30s' } });
  const ids: string[] = [];
  for (let number = 0; number < 21; number++) {
    ids.push(plans.start('local', question, null).id);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(plans.get('local', ids[20]!)).toMatchObject({ state: 'failed', error: { code: 'internal' }, plan: null });
  expect(reported).toContain(broken);
  expect(() => plans.get('local', ids[0]!)).toThrow('There is no plan');
  expect(() => plans.get('other', ids[20]!)).toThrow('There is no plan');
});

/** A run that only ends when it is given up. */
const endless: Parameters<typeof createPlans>[0]['run'] = (_prepared, options) =>
  new Promise((_resolve, reject) => {
    const signal = options?.signal;
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
  });

test('one that is not ready after ten minutes is given up, and says what to shorten', async () => {
  const { clock, context } = world;
  const report = (error: unknown): never => expect.unreachable(String(error));
  const plans = createPlans({ clock, random: context.random, run: endless, report });
  const question = await questionOf({ trace, slo: { latency: '30s' } });
  const { id } = plans.start('local', question, null);
  await clock.runFor(599_000);
  expect(plans.get('local', id).state).toBe('running');
  await clock.runFor(2_000);
  expect(plans.get('local', id)).toMatchObject({ state: 'failed', error: { code: 'plan_too_long' } });
  plans.start('local', question, null);
  await plans.close();
});

test('a gateway that stops gives up what runs', async () => {
  const plans = createPlans({
    clock: world.clock,
    random: world.context.random,
    run: endless,
    report: (error) => expect.unreachable(String(error)),
  });
  const { id } = plans.start('local', await questionOf({ trace, slo: { latency: '30s' } }), null);
  await plans.close();
  expect(plans.get('local', id)).toMatchObject({ state: 'failed', error: { code: 'draining' } });
});
