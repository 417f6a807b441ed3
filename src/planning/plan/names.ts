/** What names and costs are told of: a run as it is made, or as it goes over the wire. */
export interface NamedRun {
  readonly policy: string;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly usd_per_hour: number | null;
  readonly gpu_seconds_per_hour: number;
}

/** `request-count idle_timeout=30s`. */
export const nameOf = ({ policy, settings }: Pick<NamedRun, 'policy' | 'settings'>): string =>
  [policy, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)].join(' ');

/** `$2.12/h`, or GPU-seconds where there is no price. */
export const costOf = ({ usd_per_hour, gpu_seconds_per_hour }: Pick<NamedRun, 'usd_per_hour' | 'gpu_seconds_per_hour'>): string =>
  usd_per_hour === null ? `${gpu_seconds_per_hour.toFixed(0)} GPU-seconds per hour` : `$${usd_per_hour.toFixed(2)}/h`;

/** Seconds as people say them: `40 s`, `18 min`, `44 h 35 min`. */
export function spanName(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}
