import { parseScaling } from '../../config/scaling.ts';
import { priceList } from '../../config/prices.ts';
import type { Deployment } from '../../deployments/deployment.ts';
import { medianStartMs } from '../../fleet/container.ts';
import type { LearntTimes } from '../../fleet/learning/observations.ts';
import { defaultScaling } from '../../fleet/scaling/settings.ts';
import type { PlanQuestion } from '../../planning/plan/question.ts';
import { traceFromRows } from '../../planning/trace-file.ts';
import type { UniformUsers } from '../../planning/uniform-users.ts';
import { drawTrace } from '../../planning/workloads.ts';
import { readHistory } from '../../shadow/history.ts';
import { openPseudonym } from '../../shadow/recorded-trace.ts';
import type { ApiContext } from '../context.ts';
import { fail } from '../job-headers.ts';
import type { PlanBody } from '../plan-schemas.ts';
import { byTarget } from '../simple.ts';

const dayMs = 86_400_000;
/** Where no container of the deployment has been ready yet. */
const usualStartMs = 20_000;
/** The newest containers tell what starts take now. */
const lastContainers = 50;

/** A question, and the deployment (NAME@ENVIRONMENT) whose own jobs it is about; null: others. */
export interface Asked {
  readonly question: PlanQuestion;
  readonly deployment: string | null;
}

/** A request for a plan as a question; what is left out is as the deployment has it. Errors: `invalid_parameter`, `invalid_trace`, `unknown_deployment`. */
export async function planQuestion(context: ApiContext, body: PlanBody): Promise<Asked> {
  const deployment = body.deployment === undefined ? null : byTarget(context, body.deployment);
  const base = deployment?.scaling ?? defaultScaling;
  const { slo = base.slo } = body.slo === undefined ? {} : parseScaling({ slo: body.slo }, base);
  const learnt = deployment && context.learnt(deployment);
  const horizonMs = body.horizon_seconds === undefined ? null : Math.round(body.horizon_seconds * 1000);
  const { own, ...source } = await sourceOf(context, body, deployment);
  const question = {
    horizonMs,
    ...source,
    startMs: body.start_seconds === undefined ? await measuredStartMs(context, deployment) : Math.round(body.start_seconds * 1000),
    outsideMs: outsideOf(body.outside_seconds, learnt),
    loadMs: Math.round(body.load_seconds === undefined ? (learnt?.loadMs ?? 0) : body.load_seconds * 1000),
    slo,
    usdPerHour: body.price ?? priceOf(context),
    budgetUsdPerHour: body.budget?.usd_per_hour ?? null,
    seed: body.seed,
  };
  return { question, deployment: own ?? null };
}

type Source = Pick<PlanQuestion, 'source'> & Partial<Pick<PlanQuestion, 'horizonMs'>> & { readonly own?: string };

function sourceOf(context: ApiContext, body: PlanBody, deployment: Deployment | null): Source | Promise<Source> {
  const { workload, trace, closed_loop: loop, seed } = body;
  if ([workload, trace, loop].filter((given) => given !== undefined).length > 1)
    fail('workload', 'give one of workload, closed_loop and trace');
  if (workload !== undefined) return { source: { type: 'trace', trace: drawTrace(workload, seed) } };
  if (trace !== undefined) return { source: { type: 'trace', trace: traceFromRows(trace, 'trace') } };
  if (loop) return { source: { type: 'users', users: usersOf(loop, seed) } };
  if (deployment) return recordedOf(context, deployment);
  return fail('deployment', 'say what to plan for: deployment, workload, closed_loop or trace');
}

/** As given, half before and half after the time on the GPU; else as it was learnt. */
function outsideOf(seconds: number | undefined, learnt: LearntTimes | null): PlanQuestion['outsideMs'] {
  const [before, after] = seconds === undefined ? [learnt?.leadMs ?? 0, learnt?.afterMs ?? 0] : [seconds * 500, seconds * 500];
  return { before: Math.round(before), after: Math.round(after) };
}

function usersOf(loop: NonNullable<PlanBody['closed_loop']>, seed: number): UniformUsers {
  const [least, most] = loop.pause_seconds;
  if (least > most) fail('closed_loop.pause_seconds', 'the least pause must not be longer than the longest');
  const serviceMs = loop.service_seconds.map((value) => Math.round(value * 1000));
  return { users: loop.users, endMs: loop.seconds * 1000, pauseMs: [least * 1000, most * 1000], serviceMs, seed };
}

/** The last day, or all the time since the deployment was made, until now. */
async function recordedOf({ store, clock, random }: ApiContext, deployment: Deployment): Promise<Source> {
  const pseudonym = await openPseudonym(store, { random, clock });
  const { jobs, window } = await readHistory(store, deployment, { to: clock.now(), windowMs: dayMs, pseudonym });
  if (jobs.length === 0) fail('deployment', `no job came to ${deployment.name} in the last 24 h; give a workload, closed_loop or trace`);
  const own = `${deployment.name}@${deployment.environment}`;
  return { source: { type: 'trace', trace: { name: own, jobs } }, horizonMs: window.to - window.from, own };
}

/** The median of the newest ones. */
async function measuredStartMs({ store }: ApiContext, deployment: Deployment | null): Promise<number> {
  if (!deployment) return usualStartMs;
  const known = await store.containers({ deployment: deployment.name, limit: lastContainers });
  return medianStartMs(known.filter(({ environment }) => environment === deployment.environment)) ?? usualStartMs;
}

/** What a container of the first GPU costs. */
function priceOf({ config, fleet }: ApiContext): number | null {
  const [slot] = fleet.slots();
  const usd = slot ? priceList(config.gpus)(slot.gpu) : null;
  return slot && usd !== null ? usd * (slot.share || 1) : null;
}
