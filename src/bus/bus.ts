/**
 * Live events: progress, previews, container changes, decisions. Latest wins; nothing here is ever the truth (that is the store).
 * A subscriber that throws is reported and skipped; a slow one is its own problem, so subscribers must not block.
 */

export interface BusEvent {
  /** Rises by one with each event of this process; lets a stream resume. */
  readonly seq: number;
  readonly topic: string;
  readonly at: number;
  readonly data: unknown;
}

export interface Bus {
  /** `topic` is `job:<id>`, `fleet`, `prompts` or `logs:<container>`. */
  publish(topic: string, data: unknown): void;
  /** Calls `listener` for each later event of `topic`; returns the function that ends it. */
  subscribe(topic: string, listener: (event: BusEvent) => void): () => void;
  /**
   * Events of `topic` after `seq` that the ring still holds, oldest first; `complete` is false when some are gone, or none are kept
   * (the caller then reads the truth from the store again).
   */
  since(topic: string, seq: number): { events: BusEvent[]; complete: boolean };
}
