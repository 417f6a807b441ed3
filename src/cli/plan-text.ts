import { nameOf } from '../planning/plan/sentences.ts';
import type { Plan } from '../planning/plan/planner.ts';
import type { PlanRun } from '../planning/plan/evaluate.ts';
import { money, seconds, table, type Palette } from './terminal.ts';

/** A plan for people: what to do, then the figures. */
export function describePlan(plan: Plan, paint: Palette): string {
  const { says, frontier, peers, recommended, runs, source } = plan;
  const perHour = priced(plan) ? '$ per hour' : 'GPU-s per hour';
  const mark = (run: PlanRun): string => (run === recommended ? ' <- recommended' : '');
  const sections = [
    `${paint.bold(says[0] as string)}\n${says
      .slice(1)
      .map((line) => `${line}\n`)
      .join('')}`,
    `Frontier of ${source}: simulated under ${runs.length} settings; all but slo's chosen in hindsight\n`,
    table(
      [perHour, 'p50', 'p95', 'in time', 'settings'],
      frontier.map((run) => [...figures(run), `${nameOf(run)}${mark(run)}`]),
      paint,
    ),
    "Others' defaults on the same jobs, simulated\n",
    table(
      [perHour, 'p50', 'p95', 'in time', 'cost', 'like'],
      peers.map((peer) => [...figures(peer), peer.cost_ratio === null ? '' : `${peer.cost_ratio.toFixed(2)} x`, peer.name]),
      paint,
    ),
    ...notes(plan).map((line) => `${line}\n`),
  ];
  const [head, frontierHead, frontierTable, peersHead, peersTable, ...rest] = sections as [
    string,
    string,
    string,
    string,
    string,
    ...string[],
  ];
  return `${head}\n${frontierHead}${frontierTable}\n${peersHead}${peersTable}\n${rest.join('')}`;
}

const priced = ({ price_usd_per_hour }: Plan): boolean => price_usd_per_hour !== null;

function figures({ usd_per_hour, gpu_seconds_per_hour, p50_s, p95_s, attainment }: PlanRun): string[] {
  const cost = usd_per_hour === null ? gpu_seconds_per_hour.toFixed(0) : usd_per_hour.toFixed(2);
  return [cost, seconds(p50_s), seconds(p95_s), `${(attainment * 100).toFixed(1)} %`];
}

function notes({
  next_dollar: next,
  lower_bound_usd_per_hour,
  lower_bound_gpu_seconds_per_hour: bound,
  lower_bound_missing: missing,
  ...plan
}: Plan): string[] {
  const { recommended, price_usd_per_hour: price, start_s } = plan;
  const more =
    next && (next.more_usd_per_hour === null ? `${next.more_gpu_seconds_per_hour.toFixed(0)} GPU-seconds` : money(next.more_usd_per_hour));
  const lines = next
    ? [`The next dollar: ${more} more per hour takes ${next.less_p95_s.toFixed(1)} s off p95, with ${nameOf(next.run)}.`]
    : [];
  if (bound === null) lines.push(`No lower bound: ${missing}.`);
  else {
    const least = lower_bound_usd_per_hour === null ? `${bound.toFixed(0)} GPU-seconds per hour` : money(lower_bound_usd_per_hour, '/h');
    const ratio = recommended?.meets ? `; recommended is ${(recommended.gpu_seconds_per_hour / bound).toFixed(2)} x that` : '';
    lines.push(`Lower bound, which no policy that meets the target undercuts: ${least}${ratio}.`);
  }
  lines.push(`Cost = GPU-seconds${price === null ? '' : ` x $${price} / 3600`}; starts of ${start_s} s are paid for.`);
  return lines;
}
