import type { Deployment } from '../../deployments/deployment.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { DeploymentRow, OverviewDocument, SlotRow } from './document.ts';
import { mostFrequentError, type JobFacts } from './job-window.ts';
import type { Starts } from './starts.ts';
import { common, quantile, sortedNumbers, sum } from './statistics.ts';
import type { Facts } from './verdict.ts';

export interface Known {
  readonly now: number;
  readonly fleet: Fleet;
  readonly deployments: readonly Deployment[];
  readonly starts: ReturnType<Starts['read']>;
  readonly finished: readonly JobFacts[];
  readonly slots: readonly SlotRow[];
  readonly rows: readonly DeploymentRow[];
  readonly slo: OverviewDocument['slo'];
  readonly queued: number;
  readonly storeTrouble: string | null;
  readonly perMinute: number | null;
}

/** What the verdict is made from. */
export function factsOf(known: Known): Facts {
  const { now, fleet, deployments, finished, slots, rows, slo } = known;
  const environment = common(deployments.map((deployment) => deployment.environment));
  const recent = finished.filter((job) => job.finishedAt > now - 120_000 && job.kept !== null);
  const queues = fleet.queues();
  const oldestAt = Math.min(...queues.map((queue) => queue.oldestQueuedAt ?? Infinity));
  const alive = slots.filter((slot) => slot.container !== null);
  const free = (name: string): boolean =>
    alive.some((slot) => slot.deployment === name && (slot.state === 'ready' || slot.state === 'idle'));
  return {
    asOf: now,
    subject: environment === null ? 'The fleet' : environment.charAt(0).toUpperCase() + environment.slice(1),
    runtime: fleet.runtime,
    storeTrouble: known.storeTrouble,
    promise: { p: slo.p, latency: slo.latency_s, jobs: slo.jobs, late: slo.late },
    missedBy: rows.filter((row) => row.attainment !== null && row.attainment < promiseOf(deployments, row)).map((row) => row.name),
    lateParts: meanParts(finished.filter((job) => job.kept === false)),
    recent: {
      finished: recent.length,
      failed: recent.filter((job) => job.outcome === 'failed').length,
      topError: mostFrequentError(recent.filter((job) => job.outcome === 'failed')),
    },
    failed: finished.filter((job) => job.outcome === 'failed').length,
    run: quantile(sortedNumbers(finished.flatMap((job) => (job.parts ? [job.parts.run / 1000] : []))), 0.5),
    queued: known.queued,
    running: sum(queues.map((queue) => queue.running)),
    oldestWait: oldestAt === Infinity ? null : Math.max(0, now - oldestAt) / 1000,
    stalled: queues.find((queue) => queue.queued > 0 && free(queue.deployment))?.deployment ?? null,
    held: queues.flatMap((queue) => {
      if (queue.heldBy === null) return [];
      const scaling = deployments.find((one) => one.name === queue.deployment && one.environment === queue.environment)?.scaling;
      return [{ deployment: queue.deployment, by: queue.heldBy, queued: queue.queued, max: scaling?.maxContainers ?? null }];
    }),
    alive: alive.length,
    starting: alive.filter((slot) => slot.state === 'starting').length,
    capacity: fleet.runtime.capacity,
    ...known.starts,
    coldJobs: finished.filter((job) => job.cold).length,
    usdPerMinute: known.perMinute,
  };
}

const promiseOf = (deployments: readonly Deployment[], row: DeploymentRow): number =>
  deployments.find((one) => one.name === row.name && one.environment === row.environment)?.scaling.slo.p ?? 0;

function meanParts(late: readonly JobFacts[]): Facts['lateParts'] {
  const parts = late.flatMap((job) => job.parts ?? []);
  if (parts.length === 0) return null;
  const mean = (part: 'queue' | 'cold' | 'run' | 'store'): number => sum(parts.map((timing) => timing[part])) / parts.length / 1000;
  return { queue: mean('queue'), cold: mean('cold'), run: mean('run'), store: mean('store') };
}
