import { costOf, nameOf, type NamedRun } from './names.ts';

/** What the chart of a plan shows, for whatever draws it: cost (y) against p95 (x), the lower the better in both. */
export interface PlanPicture {
  readonly unitY: string;
  readonly points: readonly PicturePoint[];
  readonly frontier: readonly Place[];
  /** It holds for whatever meets the target, so it ends there; empty: there is none. */
  readonly bound: readonly Place[];
  /** Null: the target is of another share than the axis. */
  readonly limit: { readonly value: number; readonly label: string } | null;
  /** What is not drawn, in a sentence. */
  readonly omitted: string | null;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

export interface PicturePoint extends Place {
  readonly run: Run;
  readonly group: 'frontier' | 'others';
  readonly label: string;
  readonly chosen: boolean;
}

interface Run extends NamedRun {
  /** Seconds. */
  readonly p95_s: number;
}

/** What `pictureOf` reads of a plan, be it as it is made or as it goes over the wire. */
export interface PlanFigures {
  readonly recommended: Run | null;
  /** What comes nearest where nothing is recommended. */
  readonly nearest: Run | null;
  readonly frontier: readonly Run[];
  readonly peers: readonly (Run & { readonly name: string })[];
  readonly slo: { readonly p: number; readonly latency_s: number };
  readonly price_usd_per_hour: number | null;
  readonly lower_bound_usd_per_hour: number | null;
  readonly lower_bound_gpu_seconds_per_hour: number | null;
}

/** Slower than so many times the target is not drawn: it would press all the rest into a corner. */
const slowest = 4;

/** `word`: what the best one is called. */
export function pictureOf(plan: PlanFigures, word = plan.recommended ? 'Recommended' : 'Nearest'): PlanPicture {
  const { recommended, slo, price_usd_per_hour: price } = plan;
  const best = recommended ?? plan.nearest;
  const isDrawn = ({ p95_s }: Run): boolean => p95_s <= Math.max(slo.latency_s * slowest, best?.p95_s ?? 0);
  const [frontier, peers] = [plan.frontier.filter(isDrawn), plan.peers.filter(isDrawn)];
  const omitted = plan.frontier.length + plan.peers.length - frontier.length - peers.length;
  const others = frontier.filter((run) => !best || nameOf(run) !== nameOf(best));
  const bound = plan.lower_bound_usd_per_hour ?? plan.lower_bound_gpu_seconds_per_hour;
  const from = Math.min(frontier.at(-1)?.p95_s ?? slo.latency_s, slo.latency_s);
  return {
    unitY: price === null ? 'GPU-s per hour' : '$ per hour',
    points: [
      ...(best ? [point(best, 'frontier', `${word}: ${told(best)}`)] : []),
      ...others.map((run) => point(run, 'frontier', '')),
      // The last are drawn above the others: a peer on the frontier is still seen.
      ...peers.map((peer) => point(peer, 'others', peer.name)),
    ],
    frontier: frontier.map(placeOf),
    bound: bound === null ? [] : [from, slo.latency_s].map((x) => ({ x, y: bound })),
    limit: slo.p === 0.95 ? { value: slo.latency_s, label: `target: p95 ${slo.latency_s} s` } : null,
    omitted: omitted === 0 ? null : `Not drawn: ${omitted} with a p95 above ${slowest} times the target; the tables have them.`,
  };
}

const placeOf = (run: Run): Place => ({ x: run.p95_s, y: run.usd_per_hour ?? run.gpu_seconds_per_hour });

const point = (run: Run, group: PicturePoint['group'], label: string): PicturePoint => ({
  ...placeOf(run),
  run,
  group,
  label,
  chosen: group === 'frontier' && label !== '',
});

const told = (run: Run): string => `${run.policy}, ${costOf(run)}, p95 ${run.p95_s.toFixed(1)} s`;
