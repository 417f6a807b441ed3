import { meanOver, samplesOf } from '../experiment-figures.ts';
import type { SimulationOutcome } from '../simulator.ts';
import type { PreparedPlan } from './question.ts';

/** So many periods are recorded of a run whose beginning is not counted; even. */
export const recordedPeriods = 2 ** 10;

/** Of what users do the first fifth is not counted: while they all come at once, and settings come into their stride. As experiments do. */
const uncountedShare = 0.2;

/** Milliseconds at the beginning that no figure is of. */
export const uncountedMs = ({ question: { source } }: Pick<PreparedPlan, 'question'>): number =>
  source.type === 'users' ? source.users.endMs * uncountedShare : 0;

/** What the figures of a run are of. */
export interface Account {
  readonly outcome: SimulationOutcome;
  readonly gpuSeconds: number;
  /** What GPU-seconds are divided by for those of an hour. */
  readonly spanMs: number;
}

/**
 * A trace: all of it, until the last job is answered, since containers cost until then. Users: what was asked after the uncounted beginning, and
 * the containers from then on until nobody asks any more.
 */
export function accountOf(outcome: SimulationOutcome, prepared: Pick<PreparedPlan, 'question' | 'spanMs'>): Account {
  const { source } = prepared.question;
  const { recording, jobs, responsesMs } = outcome;
  if (source.type === 'trace' || !recording)
    return { outcome, gpuSeconds: outcome.gpuSeconds.total, spanMs: Math.max(prepared.spanMs, outcome.endMs) };
  const [fromMs, toMs] = [uncountedMs(prepared), source.users.endMs];
  const counted = jobs.flatMap(({ arrivalMs }, index) => (arrivalMs >= fromMs ? [index] : []));
  const spanMs = toMs - fromMs;
  const containers = meanOver(samplesOf(recording), fromMs, toMs, ({ starting, busy, idle }) => starting + busy + idle);
  return {
    outcome: {
      ...outcome,
      jobs: counted.map((index) => jobs[index] as (typeof jobs)[number]),
      responsesMs: Float64Array.from(counted, (index) => responsesMs[index] as number),
    },
    gpuSeconds: (containers * spanMs) / 1000,
    spanMs,
  };
}
