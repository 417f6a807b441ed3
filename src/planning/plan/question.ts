import type { PolicyName, ScalingSettings } from '../../fleet/scaling/settings.ts';
import type { SimulationInput } from '../simulator.ts';
import type { Slo } from '../summary.ts';
import type { Trace } from '../trace.ts';
import type { UniformUsers } from '../uniform-users.ts';
import type { Candidate } from './candidates.ts';
import type { Demand } from './demand.ts';
import type { Sample } from './sample.ts';

/** Jobs that come at their times, or users who wait for answers; as plain data, since a plan is made on several threads. */
export type PlanSource = { readonly type: 'trace'; readonly trace: Trace } | { readonly type: 'users'; readonly users: UniformUsers };

/** What a plan is made for. */
export interface PlanQuestion extends Required<Pick<SimulationInput, 'startMs' | 'outsideMs' | 'seed' | 'horizonMs'>> {
  readonly source: PlanSource;
  /** Milliseconds of loading a model onto a GPU that does not hold it. */
  readonly loadMs: number;
  readonly slo: Slo;
  /** Of a GPU-hour; null: costs are told in GPU-seconds. */
  readonly usdPerHour: number | null;
  /** What the fleet may cost; needs a price. Null: anything. */
  readonly budgetUsdPerHour: number | null;
}

/** A candidate with its settings in force. */
export interface PreparedCandidate extends Candidate {
  readonly scaling: ScalingSettings;
}

/** Reads a candidate's settings; all that it does not name stand as in `base`. */
export type ReadSettings = (policy: PolicyName, settings: Candidate['settings'], base: ScalingSettings) => ScalingSettings;

/** A question with everything that each of its runs needs; plain data. */
export interface PreparedPlan {
  /** Its source is what runs are made on. */
  readonly question: PlanQuestion;
  readonly candidates: readonly PreparedCandidate[];
  /** Length of the source, milliseconds > 0. */
  readonly spanMs: number;
  readonly demand: Demand;
  readonly sample: Sample | null;
  /** Latency at the share of the target when no job waits, milliseconds. */
  readonly reachableMs: number;
}
