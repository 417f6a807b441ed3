import type { PlanRun } from './evaluate.ts';

/** `request-count idle_timeout=30s`. */
export const nameOf = ({ policy, settings }: { readonly policy: string; readonly settings: PlanRun['settings'] }): string =>
  [policy, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)].join(' ');

type Cost = Pick<PlanRun, 'usd_per_hour' | 'gpu_seconds_per_hour'>;

/** `$2.12/h`, or GPU-seconds where there is no price. */
export const costOf = ({ usd_per_hour, gpu_seconds_per_hour }: Cost): string =>
  usd_per_hour === null ? `${gpu_seconds_per_hour.toFixed(0)} GPU-seconds per hour` : `$${usd_per_hour.toFixed(2)}/h`;
