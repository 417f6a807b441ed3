/** Whether the last container may go, once nothing is wanted. Times are milliseconds. */

/** `idle`: nothing was wanted, so whatever comes is kept in front of the containers. */
export type Activity = 'active' | 'activating' | 'idle';

export interface ZeroSettings {
  /** False: one container stays always. */
  readonly enabled: boolean;
  readonly stableWindowMs: number;
  /** How long there has to be a buffer in front before nothing may be behind it. */
  readonly graceMs: number;
  /** How long the last container is kept after the activity has ended. */
  readonly retentionMs: number;
  /** How long it may take to become active. */
  readonly deadlineMs: number;
  readonly reachable: boolean;
}

export interface ZeroInput {
  readonly desired: number;
  readonly activity: Activity;
  readonly activityForMs: number;
  /** How long the buffer has been in front of the containers; 0: it is not. */
  readonly bufferedForMs: number;
  /** Does the buffer answer? */
  readonly bufferAnswers: boolean;
}

export interface ZeroAnswer {
  readonly scale: number;
  /** False: what runs stays as it is. */
  readonly apply: boolean;
  /** When to ask again if nothing else happens; null: no need. */
  readonly againInMs: number | null;
}

/** A start that did not get ready within its deadline gets this long on top. */
const deadlineSlackMs = 30_000;
/** What has become idle with the buffer already in front is looked at again so soon. */
const settleMs = 3_000;
export const unknownScale = -1;

/** The scale after the rule: a wish above zero passes; zero has to wait for activity, retention and grace. */
export function scaleToZero(input: ZeroInput, settings: ZeroSettings): ZeroAnswer {
  if (input.desired > 0) return { scale: input.desired, apply: true, againInMs: null };
  if (!settings.enabled) return { scale: 1, apply: true, againInMs: null };
  if (input.activity === 'activating') return whileActivating(input.activityForMs, settings.deadlineMs + deadlineSlackMs);
  if (input.activity === 'active') return whileActive(input, settings.stableWindowMs);
  return whileIdle(input, settings);
}

function whileActivating(forMs: number, patienceMs: number): ZeroAnswer {
  if (forMs > patienceMs) return { scale: 0, apply: true, againInMs: null };
  return { scale: unknownScale, apply: false, againInMs: patienceMs };
}

function whileActive({ activityForMs, bufferedForMs }: ZeroInput, stableWindowMs: number): ZeroAnswer {
  if (activityForMs < stableWindowMs) return { scale: 1, apply: true, againInMs: stableWindowMs - activityForMs };
  return { scale: 0, apply: false, againInMs: bufferedForMs > 0 ? settleMs : null };
}

function whileIdle({ activityForMs, bufferedForMs, bufferAnswers }: ZeroInput, settings: ZeroSettings): ZeroAnswer {
  if (!bufferAnswers) return { scale: 0, apply: false, againInMs: null };
  const retentionMs = settings.reachable ? settings.retentionMs : 0;
  if (activityForMs >= Math.max(settings.graceMs, retentionMs)) return { scale: 0, apply: true, againInMs: null };
  const waitMs = bufferedForMs < settings.graceMs ? settings.graceMs - bufferedForMs : retentionMs - activityForMs;
  return waitMs > 0 ? { scale: 0, apply: false, againInMs: waitMs } : { scale: 0, apply: true, againInMs: null };
}
