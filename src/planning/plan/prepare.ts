import { ComfleetError } from '../../errors.ts';
import { defaultScaling } from '../../fleet/scaling/settings.ts';
import { possible } from '../bound/bounds.ts';
import type { Slo } from '../summary.ts';
import type { Trace } from '../trace.ts';
import type { UniformUsers } from '../uniform-users.ts';
import { candidatesFor } from './candidates.ts';
import { demandOf, demandOfUsers, type Demand } from './demand.ts';
import type { PlanQuestion, PlanSource, PreparedPlan, ReadSettings } from './question.ts';
import { most } from './limits.ts';
import { sampleOf, sampleOfUsers, type Sample } from './sample.ts';

/** Looks at the jobs, cuts what is too long and chooses what to try. Errors: `impossible_target`, `invalid_parameter`, `invalid_trace`. */
export function preparePlan(question: PlanQuestion, read: ReadSettings): PreparedPlan {
  const { usdPerHour, budgetUsdPerHour, slo, source: given } = question;
  if (budgetUsdPerHour !== null && usdPerHour === null)
    throw new ComfleetError('invalid_parameter', 'A budget needs the price of a GPU-hour');
  const { source, serviceMs, demand, sample, spanMs, horizonMs } =
    given.type === 'trace' ? ofTrace(given.trace, question) : ofUsers(given.users, question);
  return {
    question: { ...question, source, horizonMs },
    candidates: candidatesFor(demand, { closed: source.type === 'users' }).map(({ policy, settings }) => ({
      policy,
      settings,
      scaling: read(policy, settings, { ...defaultScaling, slo }),
    })),
    spanMs,
    demand,
    sample,
    reachableMs: reachable(serviceMs, slo, question.outsideMs.before + question.outsideMs.after),
  };
}

interface Looked extends Pick<PreparedPlan, 'spanMs' | 'sample' | 'demand'> {
  readonly source: PlanSource;
  readonly serviceMs: readonly number[];
  readonly demand: Demand;
  readonly sample: Sample | null;
  readonly horizonMs: number | null;
}

function ofTrace(given: Trace, question: PlanQuestion): Looked {
  const { trace, sample } = sampleOf(given);
  const last = trace.jobs.at(-1);
  if (!last) throw new ComfleetError('invalid_trace', `${given.name} has no jobs to plan for`);
  const serviceMs = trace.jobs.map((job) => job.serviceMs);
  const longest = Math.max(...serviceMs) / 1000;
  if (longest > most.serviceSeconds)
    throw new ComfleetError(
      'invalid_trace',
      `${given.name} has a job of ${longest} s on the GPU; plans are made for at most ${most.serviceSeconds} s`,
    );
  const horizonMs = sample ? null : question.horizonMs;
  // All at time 0: as long as the jobs themselves take.
  const spanMs = Math.max(last.arrivalMs, horizonMs ?? 0) || Math.max(1, ...serviceMs);
  return { source: { type: 'trace', trace }, serviceMs, demand: demandOf(trace.jobs, spanMs), sample, spanMs, horizonMs };
}

function ofUsers(given: UniformUsers, { outsideMs, horizonMs }: PlanQuestion): Looked {
  const outside = outsideMs.before + outsideMs.after;
  if (given.endMs <= 0) throw new ComfleetError('invalid_parameter', 'The users need some time to ask in');
  const { users, sample } = sampleOfUsers(given, outside);
  const spanMs = Math.max(users.endMs, sample ? 0 : (horizonMs ?? 0));
  const demand = demandOfUsers(users, outside);
  return { source: { type: 'users', users }, serviceMs: users.serviceMs, demand, sample, spanMs, horizonMs: sample ? null : horizonMs };
}

/** Latency at the target's share if no job waits. */
function reachable(serviceMs: readonly number[], { p, latencyMs }: Slo, outsideMs: number): number {
  const jobs = serviceMs.map((ms) => ({ arrivalMs: 0, serviceMs: ms, model: '', user: null, workflow: '' }));
  const best = possible(jobs, { p, latencyMs: latencyMs - outsideMs });
  const reachableMs = best.latencyMs + outsideMs;
  if (best.share >= p) return reachableMs;
  const name = nameOfShare(p);
  throw new ComfleetError(
    'impossible_target',
    `${name}=${latencyMs / 1000}s cannot be met by any fleet: only ${(best.share * 100).toFixed(1)} % of the jobs take no longer than that when ` +
      `they do not wait; the lowest that is possible is ${name}=${reachableMs / 1000}s`,
    { reachable_s: reachableMs / 1000 },
  );
}

/** `p95` for 0.95. */
export const nameOfShare = (p: number): string => `p${Number((p * 100).toFixed(1))}`;
