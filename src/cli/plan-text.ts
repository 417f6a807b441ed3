import { shownOf } from '../planning/plan/choose.ts';
import { nameOf } from '../planning/plan/names.ts';
import type { Plan } from '../planning/plan/planner.ts';
import type { PlanRun } from '../planning/plan/evaluate.ts';
import { seconds, table, type Palette } from './terminal.ts';

/** A plan for people: what to do, then the figures. */
export function describePlan(plan: Plan, paint: Palette): string {
  const { says, notes, frontier, peers, recommended, nearest, runs, source } = plan;
  const perHour = priced(plan) ? '$ per hour' : 'GPU-s per hour';
  const mark = (run: PlanRun): string =>
    run === recommended ? ' <- recommended' : run === nearest ? ' <- nearest, but misses the target' : '';
  const sections = [
    `${paint.bold(says[0] as string)}\n${says
      .slice(1)
      .map((line) => `${line}\n`)
      .join('')}`,
    `Frontier of ${source}: simulated under ${runs.length} settings; all but slo's chosen in hindsight\n`,
    table(
      [perHour, 'p50', 'p95', 'in time', 'settings'],
      shownOf(frontier, recommended ?? nearest).map((run) => [...figures(run), `${nameOf(run)}${mark(run)}`]),
      paint,
    ),
    "Others' defaults on the same jobs, simulated\n",
    table(
      [perHour, 'p50', 'p95', 'in time', 'cost', 'like'],
      peers.map((peer) => [...figures(peer), peer.cost_ratio === null ? '' : `${peer.cost_ratio.toFixed(2)} x`, peer.name]),
      paint,
    ),
    ...notes.map((line) => `${line}\n`),
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
