import type { Deployment } from '../deployments/deployment.ts';
import type { ContainerRecord } from '../fleet/container.ts';
import { isFinal } from '../jobs/job.ts';
import type { TraceJob } from '../planning/trace.ts';
import type { Arrival, Store } from '../store/store.ts';
import type { ShadowMeasured } from './document.ts';
import { recordedJobs, type Pseudonym } from './recorded-trace.ts';

/** More would take a replay minutes: the window then begins later. */
export const mostJobs = 50_000;
/** The newest containers, for what starts take and what they cost. */
const lastContainers = 50;

/** What happened at a deployment lately. */
export interface History {
  /** Epoch milliseconds. */
  readonly window: { readonly from: number; readonly to: number };
  /** What came, milliseconds from the beginning of the window. */
  readonly jobs: readonly TraceJob[];
  readonly measured: ShadowMeasured;
  /** Newest first. */
  readonly containers: readonly ContainerRecord[];
}

export async function readHistory(
  store: Pick<Store, 'arrivals' | 'arrivalFromEnd' | 'gpuTimes' | 'containers' | 'usage'>,
  deployment: Deployment,
  { to, windowMs, pseudonym }: { to: number; windowMs: number; pseudonym: Pseudonym },
): Promise<History> {
  const of = { deployment: deployment.name, environment: deployment.environment };
  const { latencyMs } = deployment.scaling.slo;
  const asked = { ...of, from: Math.max(deployment.createdAt, to - windowMs), to };
  const from = Math.max(asked.from, (await store.arrivalFromEnd({ ...asked, n: mostJobs })) ?? asked.from);
  const jobs: TraceJob[] = [];
  let [counted, onTime] = [0, 0];
  for await (const { job, arrival } of recordedJobs(store, { ...asked, from }, { guessMs: latencyMs / 2, pseudonym })) {
    jobs.push(job);
    const kept = isKept(arrival, latencyMs, to);
    if (kept !== null) counted++;
    if (kept === true) onTime++;
  }
  const known = await store.containers({ deployment: deployment.name, limit: lastContainers });
  const containers = known.filter(({ environment }) => environment === deployment.environment);
  const attainment = counted === 0 ? null : onTime / counted;
  return { window: { from, to }, jobs, containers, measured: { jobs: counted, attainment, ...(await costOf(store, { of, from, to })) } };
}

/** Was the job answered in time? Null: that is not known yet, or nobody wants to know any more. */
function isKept({ state, at, finishedAt }: Arrival, latencyMs: number, now: number): boolean | null {
  if (state === 'canceled') return null;
  if (isFinal(state)) return state === 'succeeded' && (finishedAt ?? now) - at <= latencyMs;
  return now - at > latencyMs ? false : null;
}

async function costOf(
  store: Pick<Store, 'usage'>,
  window: Parameters<Store['usage']>[0],
): Promise<Pick<ShadowMeasured, 'gpu_seconds' | 'usd_per_hour'>> {
  const rows = await store.usage(window);
  const priced = rows.flatMap(({ usd }) => (usd === null ? [] : [usd]));
  const hours = (window.to - window.from) / 3_600_000;
  return {
    gpu_seconds: rows.reduce((sum, { startingSeconds, busySeconds, idleSeconds }) => sum + startingSeconds + busySeconds + idleSeconds, 0),
    usd_per_hour: priced.length === 0 ? null : priced.reduce((sum, usd) => sum + usd, 0) / hours,
  };
}
