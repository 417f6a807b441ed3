import type { Deployment } from '../../deployments/deployment.ts';
import type { CostView, QueueView } from '../../fleet/fleet.ts';
import type { DeploymentRow, SlotRow } from './document.ts';
import { deploymentKey, p95Of, type JobFacts } from './job-window.ts';
import { share } from './statistics.ts';

export interface RowInput {
  readonly deployments: readonly Deployment[];
  readonly queues: readonly QueueView[];
  readonly costs: readonly CostView[];
  /** Is there a price for any slot? */
  readonly priced: boolean;
  readonly slots: readonly SlotRow[];
  readonly jobs: readonly JobFacts[];
  readonly usdInWindow: ReadonlyMap<string, number>;
}

/** One row of the table for each deployment. */
export function deploymentRows(input: RowInput): DeploymentRow[] {
  const jobsOf = Map.groupBy(input.jobs, (job) => job.deployment);
  return input.deployments.map((deployment) => {
    const { name, environment, scaling } = deployment;
    const key = deploymentKey({ deployment: name, environment });
    const jobs = jobsOf.get(key) ?? [];
    const judged = jobs.filter((job) => job.kept !== null);
    const queue = input.queues.find((row) => row.deployment === name && row.environment === environment);
    const lines = input.slots.filter((slot) => slot.deployment === name);
    const done = jobs.filter((job) => job.outcome === 'succeeded').length;
    const usd = input.usdInWindow.get(name);
    const costs = input.costs.filter((row) => row.deployment === name);
    return {
      name,
      environment,
      default: deployment.default,
      state: stateOf(deployment, lines, queue),
      queued: queue?.queued ?? 0,
      containers: lines.length,
      p95: p95Of(jobs),
      slo_s: scaling.slo.latencyMs / 1000,
      attainment: share(judged.filter((job) => job.kept).length, judged.length),
      cold_share: share(jobs.filter((job) => job.cold).length, jobs.length),
      failed_share: share(jobs.filter((job) => job.outcome === 'failed').length, judged.length),
      usd_per_min: costs.length === 0 && input.priced ? 0 : usdPerMinute(costs),
      usd_per_1000: usd === undefined || done === 0 ? null : (usd / done) * 1000,
      held_by: deployment.problems[0]?.message ?? queue?.heldBy ?? null,
    };
  });
}

/** Dollars per minute of some rows; null when one of them has no price, or there is none. */
export function usdPerMinute(rows: readonly CostView[]): number | null {
  if (rows.length === 0) return null;
  let sum = 0;
  for (const { usdPerMinute: usd } of rows) {
    if (usd === null) return null;
    sum += usd.busy + usd.starting + usd.idle;
  }
  return sum;
}

function stateOf(deployment: Deployment, lines: readonly SlotRow[], queue: QueueView | undefined): DeploymentRow['state'] {
  if (deployment.problems.length > 0) return 'cannot run';
  if (lines.some((slot) => slot.state === 'busy')) return 'serving';
  if (lines.some((slot) => slot.state === 'starting')) return 'starting';
  if (lines.some((slot) => slot.state === 'ready' || slot.state === 'idle')) return 'ready';
  return (queue?.queued ?? 0) > 0 ? 'waiting' : 'scaled to zero';
}
