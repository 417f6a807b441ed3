/** A wish, or a change of the count, and when it was. */
export type Change = { at: number; count: number };

/** What the controller keeps between reconciles. JSON, never changed in place. */
export type HpaState = { wishes: Change[]; ups: Change[]; downs: Change[] };

export interface Limit {
  readonly desired: number;
  /** Why it is what it is, in the controller's words. */
  readonly limit: 'DesiredWithinRange' | 'ScaleUpLimit' | 'ScaleDownLimit' | 'TooManyReplicas' | 'TooFewReplicas';
}

export interface Stabilised {
  readonly held: number;
  /** The window that changed the wish. */
  readonly by: 'up' | 'down' | null;
  readonly wishes: Change[];
}

/** With one more at the end, or in place of the last one that is too old. */
export function remember(changes: Change[], change: Change, oldestMs: number): Change[] {
  const outdated = changes.findLastIndex(({ at }) => at < oldestMs);
  return outdated === -1 ? [...changes, change] : changes.with(outdated, change);
}
