import type { RunSummary, Slo } from '../planning/summary.ts';
import { money, seconds, table, type Palette } from './terminal.ts';

/** A simulated run for people. */

export type DescribedRun = RunSummary & {
  readonly policy: string;
  readonly workload: string;
  readonly seed: number;
  readonly wall_s: number;
};

interface Beside {
  readonly slo: Slo;
  /** What else there is to say. */
  readonly rows: readonly [string, string][];
  readonly paint: Palette;
}

export function describeRun(run: DescribedRun, { slo, rows: more, paint }: Beside): string {
  const { start, busy, idle, total } = run.gpu_seconds;
  const of = (part: number): string => `${part.toFixed(0)} (${percent(total === 0 ? 0 : part / total)})`;
  const rows: [string, string][] = [
    ['jobs', String(run.jobs)],
    ...unfinishedRow(run),
    ['latency', latencies(run)],
    [
      `within ${targetOf(slo.latencyMs)}`,
      `${percent(run.attainment)} of the jobs; ${percent(run.windows_attained)} of the 5-minute windows at ${percent(slo.p)}`,
    ],
    ['GPU-seconds', `${total.toFixed(0)}: start ${of(start)}, busy ${of(busy)}, idle ${of(idle)}`],
    ['cost', `${money(run.usd)} (GPU-seconds x price per hour / 3600)`],
    ...faultRows(run),
    ['containers', `${run.starts} started, ${run.peak_containers} at most at once`],
    ...more,
  ];
  const head = `${paint.bold(run.policy)} on ${run.workload}, seed ${run.seed}: simulated, ${run.events} events in ${run.wall_s.toFixed(2)} s\n`;
  return head + table(['what', 'value'], rows, paint);
}

function unfinishedRow({ unfinished, jobs }: RunSummary): [string, string][] {
  if (unfinished === undefined) return [];
  return [['unfinished', `${unfinished} of ${jobs} jobs were never answered; they count as missed, and latencies are of the others`]];
}

function latencies({ jobs, unfinished, latency_s: { p50, p95, p99 } }: RunSummary): string {
  if (jobs > 0 && unfinished === jobs) return 'no job was answered';
  return `p50 ${latency(p50)}, p95 ${latency(p95)}, p99 ${latency(p99)}`;
}

function faultRows({ model_switches, jobs, retries }: RunSummary): [string, string][] {
  const rows: [string, string][] = [];
  if (model_switches > 0)
    rows.push(['models', `${model_switches} loaded in place of others, ${percent(model_switches / jobs)} of the jobs`]);
  if (retries !== undefined) rows.push(['retries', `${retries} tries lost their container`]);
  return rows;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Below a tenth of a second as milliseconds. */
const latency = (value: number): string => (value > 0 && value < 0.1 ? `${Math.round(value * 1000)} ms` : seconds(value));

/** As it was given: rounded, it would be another target. */
const targetOf = (ms: number): string => (ms < 1_000 ? `${ms} ms` : ms < 120_000 ? `${ms / 1000} s` : seconds(ms / 1000));
