import type { Trace, TraceJob } from '../trace.ts';
import { cycleMs, type UniformUsers } from '../uniform-users.ts';

/** More jobs than this make a plan take longer than one waits for; then it is made on two parts of half as many. */
export const mostJobs = 15_000;

/** What of a longer source a plan is made on. */
export interface Sample {
  readonly of_jobs: number;
  readonly parts: readonly { readonly what: 'typical' | 'busiest' | 'beginning'; readonly from_s: number; readonly to_s: number }[];
}

interface Part {
  readonly jobs: readonly TraceJob[];
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The trace, or of a long one the busiest part and a typical one (that in the middle by work per time), one after the other; each half of `most`
 * jobs that follow each other in the trace.
 */
export function sampleOf(trace: Trace, most = mostJobs): { trace: Trace; sample: Sample | null } {
  if (trace.jobs.length <= most) return { trace, sample: null };
  const parts = partsOf(trace.jobs, Math.floor(most / 2)).sort((a, b) => density(a) - density(b));
  const typical = parts[(parts.length - 1) >> 1] as Part;
  const busiest = parts.at(-1) as Part;
  const told = ([what, { fromMs, toMs }]: readonly [Sample['parts'][number]['what'], Part]) => ({
    what,
    from_s: fromMs / 1000,
    to_s: toMs / 1000,
  });
  return {
    trace: { name: trace.name, jobs: [...moved(typical, 0), ...moved(busiest, typical.toMs - typical.fromMs)] },
    sample: { of_jobs: trace.jobs.length, parts: [told(['typical', typical]), told(['busiest', busiest])] },
  };
}

/** Users who would ask for more jobs than `most` do so for a shorter time. */
export function sampleOfUsers(users: UniformUsers, outsideMs: number, most = mostJobs): { users: UniformUsers; sample: Sample | null } {
  const perMs = users.users / cycleMs(users, outsideMs);
  const jobs = Math.round(perMs * users.endMs);
  if (jobs <= most) return { users, sample: null };
  const endMs = Math.floor(most / perMs);
  return { users: { ...users, endMs }, sample: { of_jobs: jobs, parts: [{ what: 'beginning', from_s: 0, to_s: endMs / 1000 }] } };
}

/** Each ends where the next one begins; jobs at the end that do not fill one are left out. */
function partsOf(jobs: readonly TraceJob[], size: number): Part[] {
  return Array.from({ length: Math.floor(jobs.length / size) }, (_, number) => {
    const part = jobs.slice(number * size, (number + 1) * size);
    const next = jobs[(number + 1) * size] ?? part.at(-1);
    return { jobs: part, fromMs: (part[0] as TraceJob).arrivalMs, toMs: (next as TraceJob).arrivalMs };
  });
}

const density = ({ jobs, fromMs, toMs }: Part): number =>
  jobs.reduce((sum, { serviceMs }) => sum + serviceMs, 0) / Math.max(1, toMs - fromMs);

const moved = ({ jobs, fromMs }: Part, toMs: number): TraceJob[] =>
  jobs.map((job) => ({ ...job, arrivalMs: job.arrivalMs - fromMs + toMs }));
