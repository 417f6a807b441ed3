import type { Deployment, PlanRequest, WorkloadName } from './shapes.ts';
import { targetOf } from './use-deployments.ts';

/** The form as it is filled in. Empty texts: as the deployment has it. */
export interface PlanForm {
  /** Empty: there is none. */
  readonly deployment: string;
  readonly traffic: 'jobs' | 'users' | 'workload';
  readonly workload: WorkloadName;
  readonly users: string;
  readonly pauseFrom: string;
  readonly pauseTo: string;
  readonly gpuSeconds: string;
  /** Percent. */
  readonly share: string;
  /** A duration, as in settings. */
  readonly latency: string;
  readonly price: string;
  readonly start: string;
  readonly budget: string;
}

const usual = { share: '95', latency: '6s' };

/** What the form says before anybody touched it. */
export function formFor(deployment: Deployment | undefined): PlanForm {
  return {
    deployment: deployment ? targetOf(deployment) : '',
    traffic: deployment ? 'jobs' : 'workload',
    workload: 'bursty',
    users: '10',
    pauseFrom: '1',
    pauseTo: '5',
    gpuSeconds: '3.5',
    ...targetFields(deployment),
    price: '',
    start: '',
    budget: '',
  };
}

/** The deployment's own target. */
export function targetFields(deployment: Deployment | undefined): Pick<PlanForm, 'share' | 'latency'> {
  if (!deployment) return usual;
  const { p, latency } = deployment.scaling.slo;
  return { share: String(percentOf(p)), latency };
}

/** From 1 ms to a day, as the server takes it. Empty: nothing is wrong. */
export function latencyFault(text: string): string {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)(ms|s|m|h)\s*$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) return 'A time with its unit: 6s, 500ms, 2m, 1h.';
  const seconds = Number(number) * { ms: 0.001, s: 1, m: 60, h: 3600 }[unit as 'ms' | 's' | 'm' | 'h'];
  return seconds >= 0.001 && seconds <= 86_400 ? '' : 'From 1ms to 24h.';
}

/** Without the dust of binary fractions: 0.95 is 95. */
export const percentOf = (share: number): number => Number((share * 100).toPrecision(6));

/** The form as a request. */
export function requestOf(form: PlanForm): PlanRequest {
  const number = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text));
  const [price, start, budget] = [number(form.price), number(form.start), number(form.budget)];
  return {
    ...(form.deployment !== '' && { deployment: form.deployment }),
    ...sourceOf(form),
    slo: { p: Number((Number(form.share) / 100).toPrecision(6)), latency: form.latency.trim() },
    ...(price !== undefined && { price }),
    ...(start !== undefined && { start_seconds: start }),
    ...(budget !== undefined && { budget: { usd_per_hour: budget } }),
  };
}

function sourceOf({ traffic, workload, ...form }: PlanForm): Pick<PlanRequest, 'workload' | 'closed_loop'> {
  if (traffic === 'workload') return { workload };
  if (traffic === 'jobs') return {};
  const closed_loop = {
    users: Number(form.users),
    pause_seconds: [Number(form.pauseFrom), Number(form.pauseTo)] as [number, number],
    service_seconds: [Number(form.gpuSeconds)],
    seconds: closedLoopSeconds,
  };
  return { closed_loop };
}

/** As the command line and the API have it: an hour, so that few users answer enough jobs to tell. */
const closedLoopSeconds = 3_600;
