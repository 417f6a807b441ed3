import type { Deployment } from '../../deployments/deployment.ts';
import type { Slot } from '../../fleet/container.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { CostReading, CostWindow } from './cost-window.ts';
import type { LineState, OverviewDocument, SlotRow } from './document.ts';
import { factsOf } from './facts.ts';
import { hostRows } from './hosts.ts';
import { dots, deploymentKey, mostFrequentError, p95Of, succeeded, trailing, type JobFacts, type JobWindow } from './job-window.ts';
import type { LifeLines } from './life-lines.ts';
import type { LiveEvents } from './live-events.ts';
import { count, percent, seconds, usd } from './names.ts';
import { deploymentRows, usdPerMinute } from './rows.ts';
import type { Starts } from './starts.ts';
import { common, quantile, quantileInterval, share, sortedNumbers, sum } from './statistics.ts';
import { verdictOf } from './verdict.ts';
import { thin } from './thin.ts';
import { windowMs } from './window.ts';

/** So many segments go into a document; beyond, short neighbours are drawn as one. */
const maxSegments = 4_000;
/** A young gateway shows the time since its start, but no less than this: the rest would be empty. */
const shortestWindowMs = 120_000;

export interface DocumentInput {
  /** Every slot of the runtime. */
  readonly slots: readonly Slot[];
  /** Price per hour of a GPU model; null: no price set. */
  readonly priceOf: (gpu: string | null) => number | null;
  /** Timing profile of emulated containers; null for real ones. */
  readonly profile: string | null;
  /** Path of ComfyUI's own page; null: it is not served. */
  readonly comfyuiPage: string | null;
  /** Why the last write failed; null when it did not. */
  readonly storeTrouble: string | null;
  readonly now: number;
  /** Since when events have come. */
  readonly since: number;
  readonly fleet: Fleet;
  readonly deployments: readonly Deployment[];
  readonly lines: LifeLines;
  readonly jobs: JobWindow;
  readonly costs: CostWindow;
  readonly events: LiveEvents;
  readonly starts: Starts;
  readonly example: OverviewDocument['example'];
}

/** Puts the document together from what the parts of the overview remember. */
export function buildDocument(input: DocumentInput): OverviewDocument {
  const { now, fleet, lines, deployments } = input;
  const sloMs = new Map(deployments.map((one) => [keyOf(one), one.scaling.slo.latencyMs]));
  const finished = input.jobs.jobs(now, (deployment) => sloMs.get(deployment) ?? Infinity);
  const slots = lines.slots(now);
  const segments = lines.segments(now);
  const priced = input.slots.some((slot) => input.priceOf(slot.gpu) !== null);
  const reading = input.costs.read(now, lines.openStretches(now));
  const rows = deploymentRows({
    deployments,
    queues: fleet.queues(),
    costs: fleet.cost(),
    priced,
    slots,
    jobs: finished,
    usdInWindow: reading.usdByDeployment,
  });
  const perMinute = fleet.cost().length === 0 && priced ? 0 : usdPerMinute(fleet.cost());
  const queued = sum(fleet.queues().map((queue) => queue.queued));
  const slo = sloOf(finished, deployments, now);
  const latency = latencyOf(finished, now);
  const facts = factsOf({ ...input, starts: input.starts.read(now), finished, slots, rows, slo, queued, perMinute });
  const oldest = facts.oldestWait;
  const queue = input.jobs.queue(now, queued);
  const failed = failedOf(finished, now);
  return {
    as_of: now,
    window: { from: Math.max(now - windowMs, Math.min(input.since, now - shortestWindowMs)), to: now },
    verdict: verdictOf(facts),
    slo,
    latency,
    failed,
    queue: {
      length: queued,
      oldest_wait_s: oldest,
      longest_wait_s: Math.max(oldest ?? 0, queue.longestWaitMs / 1000),
      series: queue.series,
    },
    containers: {
      by_state: byState(slots),
      on_gpu: slots.filter((slot) => slot.container !== null && slot.gpu !== null).length,
      capacity: fleet.runtime.capacity,
    },
    cost: costOf(input, slots, reading, perMinute),
    slots,
    segments: thin(segments, maxSegments),
    hosts: hostRows(slots, segments, now),
    jobs: { seen: input.jobs.seen, n: finished.length, items: dots(finished, now), ...jobWords(finished, slo, latency, failed.jobs) },
    events: input.events.list(),
    deployments: rows,
    runtime: {
      name: fleet.runtime.name,
      emulated: fleet.runtime.name === 'emulated',
      profile: input.profile,
      ready: fleet.runtime.ready,
      note: fleet.runtime.note,
    },
    comfyui_page: input.comfyuiPage,
    example: input.example,
  };
}

function failedOf(finished: readonly JobFacts[], now: number): OverviewDocument['failed'] {
  const failed = finished.filter((job) => job.outcome === 'failed');
  const judged = finished.filter((job) => job.kept !== null);
  return {
    jobs: failed.length,
    of: judged.length,
    top: mostFrequentError(failed),
    series: trailing(judged, now, (jobs) => share(jobs.filter((job) => job.outcome === 'failed').length, jobs.length)),
  };
}

const keyOf = (one: Deployment): string => deploymentKey({ deployment: one.name, environment: one.environment });

function sloOf(finished: readonly JobFacts[], deployments: readonly Deployment[], now: number): OverviewDocument['slo'] {
  const used = new Set(finished.map((job) => job.deployment));
  const isUsed = (one: Deployment): boolean => used.size === 0 || used.has(keyOf(one));
  const promises = deployments.filter(isUsed).map((deployment) => deployment.scaling.slo);
  const judged = finished.filter((job) => job.kept !== null);
  const late = judged.filter((job) => !job.kept).length;
  const latency = common(promises.map((promise) => promise.latencyMs));
  return {
    latency_s: latency === null ? null : latency / 1000,
    p: common(promises.map((promise) => promise.p)),
    jobs: judged.length,
    late,
    attainment: share(judged.length - late, judged.length),
    series: trailing(judged, now, (jobs) => share(jobs.filter((job) => job.kept).length, jobs.length)),
  };
}

function latencyOf(finished: readonly JobFacts[], now: number): OverviewDocument['latency'] {
  const totals = sortedNumbers(succeeded(finished).map((job) => job.total_s));
  return {
    p50: quantile(totals, 0.5),
    p95: quantile(totals, 0.95),
    p95_ci: quantileInterval(totals, 0.95),
    n: totals.length,
    series: trailing(finished, now, p95Of),
  };
}

function byState(slots: readonly SlotRow[]): Record<LineState, number> {
  const counts: Record<LineState, number> = { starting: 0, ready: 0, busy: 0, idle: 0, parked: 0, draining: 0, failed: 0 };
  for (const { state } of slots) if (state !== 'free') counts[state]++;
  return counts;
}

function costOf(input: DocumentInput, slots: readonly SlotRow[], reading: CostReading, perMinute: number | null): OverviewDocument['cost'] {
  const living = slots.filter((slot) => slot.container !== null);
  const gpus = [...Map.groupBy(living, (slot) => slot.gpu)].map(([gpu, on]) => ({
    gpu,
    count: on.length,
    usd_per_hour: input.priceOf(gpu),
  }));
  const unit = perMinute === null ? 'containers' : 'usd_per_min';
  const total = sum(Object.values(reading.usd));
  const parts = Object.entries(reading.usd).map(([use, value]) => `${use} ${percent(total === 0 ? 0 : value / total)}`);
  const series = unit === 'containers' ? reading.containers : reading.usdPerMinute;
  const counts = byState(slots);
  const now = `${counts.busy + counts.draining} busy, ${counts.starting} starting, ${counts.ready + counts.idle} idle`;
  return {
    usd_per_min: perMinute,
    gpus,
    formula: 'container-seconds from start to stop x share of the GPU x price per hour / 3600',
    unit,
    usd_window: perMinute === null ? null : total,
    series,
    summary: perMinute === null ? `Containers by what they do; now ${now}` : `Cost rate, now ${usd(perMinute)} per minute: ${now}`,
    note:
      unit === 'containers'
        ? 'no price set, so containers are counted'
        : `10 min: ${usd(total)}${total === 0 ? '' : ` = ${parts.join(', ')}`}`,
  };
}

function jobWords(
  finished: readonly JobFacts[],
  slo: OverviewDocument['slo'],
  latency: OverviewDocument['latency'],
  failed: number,
): { summary: string; note: string } {
  if (finished.length === 0) return { summary: 'No job finished in the last 10 min', note: 'no job finished in the last 10 min' };
  const median = latency.p50 === null ? '' : `: median ${seconds(latency.p50)}, p95 ${seconds(latency.p95 ?? latency.p50)}`;
  const late = slo.latency_s === null ? `${slo.late} late` : `${slo.late} not within ${seconds(slo.latency_s)}`;
  const failures = failed === 0 ? 'no job failed' : `${count(failed, 'job')} failed`;
  return {
    summary: `${count(finished.length, 'job')}${median}, ${late}, ${failures}`,
    note: `n = ${finished.length.toLocaleString('en-US')}; ${failures}`,
  };
}
