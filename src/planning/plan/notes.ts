import type { NextDollar } from './choose.ts';
import type { PlanRun } from './evaluate.ts';
import { costOf, nameOf, spanName } from './names.ts';

/** What notes are told of. */
interface Noted {
  readonly recommended: PlanRun | null;
  readonly next_dollar: NextDollar | null;
  readonly lower_bound_usd_per_hour: number | null;
  readonly lower_bound_gpu_seconds_per_hour: number | null;
  readonly lower_bound_missing?: string;
  readonly price_usd_per_hour: number | null;
  readonly start_s: number;
  readonly outside_s: number;
  readonly span_s: number;
  readonly uncounted_s: number;
}

/** What belongs to the figures of a plan. */
export const notesOf = (plan: Noted): string[] => [
  ...(plan.next_dollar ? [nextDollar(plan.next_dollar)] : []),
  boundNote(plan),
  ...(plan.uncounted_s > 0
    ? [
        `The users ask for ${spanName(plan.span_s)}; of the first ${spanName(plan.uncounted_s)}, while settings come into their stride, nothing is counted.`,
      ]
    : []),
  `Cost = GPU-seconds${plan.price_usd_per_hour === null ? '' : ` x $${plan.price_usd_per_hour} / 3600`}; starts of ${plan.start_s} s are paid for; each job takes ${Number(plan.outside_s.toFixed(2))} s outside the GPU.`,
];

function nextDollar({ run, more_usd_per_hour: usd, more_gpu_seconds_per_hour: gpuSeconds, less_p95_s: less }: NextDollar): string {
  const more = usd === null ? `${gpuSeconds.toFixed(0)} GPU-seconds` : `$${usd.toFixed(usd >= 0.01 ? 2 : 4)}`;
  return `The next dollar: ${more} more per hour takes ${less.toFixed(1)} s off p95, with ${nameOf(run)}.`;
}

function boundNote(plan: Noted): string {
  const { recommended, lower_bound_usd_per_hour: usd, lower_bound_gpu_seconds_per_hour: bound } = plan;
  if (bound === null) return `No lower bound: ${plan.lower_bound_missing}.`;
  const ratio = recommended ? `; recommended is ${(recommended.gpu_seconds_per_hour / bound).toFixed(2)} x that` : '';
  const least = costOf({ usd_per_hour: usd, gpu_seconds_per_hour: bound });
  return `Lower bound, which no policy that meets the target undercuts: ${least}${ratio}.`;
}
