import type { Bounds } from '../../src/planning/bound/bounds.ts';
import { candidatesFor, keyOf, type Candidate } from '../../src/planning/plan/candidates.ts';
import { demandOf } from '../../src/planning/plan/demand.ts';
import type { Slo } from '../../src/planning/summary.ts';
import { drawTrace } from '../../src/planning/workloads.ts';
import { defaults, measured, seeds, workloadOf, type Case } from './cases.ts';
import { boundsMissing, type Run } from './measure.ts';
import { doAll } from './threads.ts';
import type { Result, Task } from './worker.ts';

/** All that was run of a case; lists have one entry for each seed. */
export interface Outcome {
  readonly case: Case;
  readonly slo: Slo;
  readonly candidates: readonly Candidate[];
  /** By `keyOf` of the candidate. */
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  /** Or why there are none. */
  readonly bounds: readonly Bounds[] | string;
}

export const runsOf = ({ runs }: Outcome, candidate: Candidate): readonly Run[] => runs.get(keyOf(candidate)) as readonly Run[];

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Everything that a planner tries is run on each draw: `slo`, the defaults of others, and their settings by hand. */
export async function outcomesOf(cases: readonly Case[], say: (line: string) => void): Promise<Outcome[]> {
  const prepared = cases.map(prepare);
  const tasks = prepared.flatMap((one) => [...tasksOf(one)]);
  // Bounds take the longest.
  const ordered = [...tasks.filter(({ what }) => what === 'bounds'), ...tasks.filter(({ what }) => what !== 'bounds')];
  const step = Math.ceil(ordered.length / 20);
  const results = await doAll(ordered, (done) => {
    if (done % step === 0) say(`${done} of ${ordered.length} simulations and bounds`);
  });
  const byTask = new Map(ordered.map((task, index) => [task, results[index]]));
  let at = 0;
  const next = (): Result => byTask.get(tasks[at++] as Task) as Result;
  return prepared.map(({ missing, ...one }): Outcome => {
    const bounds: Bounds[] = [];
    const runs = new Map<string, Run[]>(one.candidates.map((candidate) => [keyOf(candidate), []]));
    for (const _ of seeds) {
      if (missing === null) bounds.push(next() as Bounds);
      for (const candidate of one.candidates) runs.get(keyOf(candidate))?.push(next() as Run);
    }
    return { ...one, runs, bounds: missing ?? bounds };
  });
}

interface Prepared extends Pick<Outcome, 'case' | 'slo' | 'candidates'> {
  /** Why there are no bounds. */
  readonly missing: string | null;
}

function prepare(one: Case): Prepared {
  const { slo } = workloadOf(one);
  const traces = seeds.map((seed) => drawTrace(one.workload, seed));
  const demands = traces.map(({ jobs }) => demandOf(jobs, jobs.at(-1)?.arrivalMs as number));
  const demand = { load: mean(demands.map(({ load }) => load)), peak: Math.max(...demands.map(({ peak }) => peak)) };
  const all = [measured, ...Object.values(defaults), ...candidatesFor(demand, { closed: false })];
  return {
    case: one,
    slo,
    candidates: [...new Map(all.map((candidate) => [keyOf(candidate), candidate])).values()],
    missing: traces.map((trace) => boundsMissing(one, trace, slo)).find((reason) => reason !== null) ?? null,
  };
}

function* tasksOf({ case: one, slo, candidates, missing }: Prepared): Iterable<Task> {
  for (const seed of seeds) {
    if (missing === null) yield { case: one, seed, slo, what: 'bounds' };
    for (const what of candidates) yield { case: one, seed, slo, what };
  }
}
