import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { binMsOf, boundsOf, possible, type Bounds, type BoundsInput } from '../planning/bound/bounds.ts';
import { nameOfShare } from '../planning/plan/prepare.ts';
import type { RunSummary, Slo } from '../planning/summary.ts';
import { openHighs } from '../solver/highs.ts';
import { UsageError } from './failure.ts';
import { StatusLine, type Terminal } from './terminal.ts';

/** Higher when the same input gives other bounds: what was kept then no longer counts. */
const method = 1;

/** More take minutes. */
const mostJobs = 200_000;

/** The bounds of a trace that `refuseUnsolvable` has let pass, from the cache where it was solved before. */
export async function solveBounds(given: Omit<BoundsInput, 'binMs'>, { env, err }: Terminal): Promise<Bounds> {
  const input = { ...given, binMs: binMsOf(given.jobs, given.slo.latencyMs) };
  const file = path.join(cacheFolder(env, process.platform), 'bounds', `${hashOf(input)}.json`);
  const kept = read(file);
  if (kept) return kept;
  const status = new StatusLine(err, true);
  status.show(`solving the lower bound of ${input.jobs.length} jobs ...`);
  try {
    const bounds = boundsOf(input, await openHighs());
    keep(file, bounds);
    return bounds;
  } finally {
    status.clear();
  }
}

/** What a person is told: the ratio, and between what the optimum lies. */
export function boundRow({ lower, feasible }: Bounds, { gpu_seconds, attainment }: RunSummary, { p }: Slo): [string, string] {
  const name = 'distance from the lower bound';
  if (lower === 0) return [name, 'there are no jobs'];
  const ratio = `${(gpu_seconds.total / lower).toFixed(2)} x (derived: GPU-seconds / ${lower.toFixed(0)})`;
  const met = attainment >= p;
  // A run that meets the target is a plan that can be carried out, too.
  const known = Math.min(feasible ?? Infinity, met ? gpu_seconds.total : Infinity);
  const optimum = known === Infinity ? '' : `; the best possible lies between ${lower.toFixed(0)} and ${known.toFixed(0)}`;
  const missed = met ? '' : '; the bound is for runs that meet the target, which this one does not';
  return [name, ratio + optimum + missed];
}

/** Error: `UsageError`, for a target that no plan can meet and a trace too long to solve. Quick. */
export function refuseUnsolvable({ jobs, slo }: Pick<BoundsInput, 'jobs' | 'slo'>): void {
  if (jobs.length > mostJobs) {
    throw new UsageError(
      `--bound is solved for at most ${mostJobs} jobs, and the trace has ${jobs.length}; give it a part of the trace, or leave --bound out`,
    );
  }
  const impossible = impossibleTarget(jobs, slo);
  if (impossible !== null) throw new UsageError(impossible);
}

/** Why no fleet can answer the target's share of the jobs in time; null: with enough containers one can. `outsideMs`: what each takes beside its GPU time. */
export function impossibleTarget(jobs: BoundsInput['jobs'], slo: BoundsInput['slo'], outsideMs = 0): string | null {
  const best = possible(jobs, { p: slo.p, latencyMs: slo.latencyMs - outsideMs });
  if (best.share >= slo.p) return null;
  const name = nameOfShare(slo.p);
  return (
    `--slo ${name}=${slo.latencyMs / 1000}s cannot be met: only ${(best.share * 100).toFixed(1)} % of the jobs take no longer than that ` +
    `by themselves; with enough containers ${name}=${(best.latencyMs + outsideMs) / 1000}s is possible`
  );
}

function hashOf({ jobs, startMs, slo, binMs }: BoundsInput): string {
  const hash = createHash('sha256').update(JSON.stringify([method, startMs, slo.p, slo.latencyMs, binMs]));
  for (const { arrivalMs, serviceMs } of jobs) hash.update(`\n${arrivalMs},${serviceMs}`);
  return hash.digest('hex');
}

/** Where this system keeps what can be made anew. */
export function cacheFolder(env: Terminal['env'], platform: NodeJS.Platform): string {
  const home = env['HOME'] || homedir();
  if (env['XDG_CACHE_HOME']) return path.join(env['XDG_CACHE_HOME'], 'comfleet');
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'comfleet');
  if (platform === 'win32') return path.join(env['LOCALAPPDATA'] || path.join(home, 'AppData', 'Local'), 'comfleet', 'cache');
  return path.join(home, '.cache', 'comfleet');
}

function read(file: string): Bounds | null {
  try {
    const bounds = JSON.parse(readFileSync(file, 'utf8')) as Bounds;
    return Number.isFinite(bounds.lower) ? bounds : null;
  } catch {
    // Not solved before, or not readable: solving it again does no harm.
    return null;
  }
}

function keep(file: string, bounds: Bounds): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(bounds));
    renameSync(draft, file);
  } catch {
    // A folder that cannot be written to: the next run solves it again.
  }
}
