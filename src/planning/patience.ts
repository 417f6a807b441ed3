import type { ScalingSettings } from '../fleet/scaling/settings.ts';
import type { Faults } from './faults.ts';

/** Twice the longest that a first container waits for: a poll of KEDA's, a stabilisation window, or a budget that fills again are an hour at most. */
export const leastPatienceMs = 7_200_000;
/** The longest pause after failed starts, as of the pool. */
const pauseMs = 60_000;
/** With so many times the tries that a job needs on average, one in e^10 jobs is given up that would have been answered. */
const manyTries = 10;
/** A hard budget never starts a container that costs more than 13 times of it (see spending.ts): it has paid for a job after so many times its length. */
const refills = 13;

/** What a run's jobs and containers take, milliseconds. */
interface Patient {
  readonly scaling: ScalingSettings;
  readonly startMs: number;
  readonly outsideMs?: { readonly before: number; readonly after: number };
  readonly faults?: Partial<Faults>;
}

/**
 * Milliseconds without any arrival or answer after which the jobs that are left are given up: more than a policy's timers and a job's tries can
 * come to together.
 */
export function patienceMs(
  { scaling, startMs, outsideMs, faults }: Patient,
  longest: { readonly serviceMs: number; readonly loadMs: number },
): number {
  const jobMs = longest.serviceMs + longest.loadMs + (outsideMs?.before ?? 0) + (outsideMs?.after ?? 0);
  const { crashPerJob = 0, failedStarts = 0 } = faults ?? {};
  const tryMs = startMs + jobMs + (failedStarts > 0 ? pauseMs : 0);
  const triesMs = (manyTries * tryMs) / ((1 - crashPerJob) * (1 - failedStarts));
  return leastPatienceMs + triesMs + (scaling.budget.hard ? refills * jobMs : 0);
}
