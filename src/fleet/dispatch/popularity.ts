/** What an ask counts for after one more: about the last thousand asks matter. */
const kept = 0.998;
const rescaleAt = 1e100;

/** How often each model was asked for, older asks counting less. Only comparisons mean something. */
export class Popularity {
  readonly #asks = new Map<string, number>();
  /** What the next ask counts: new ones grow instead of old ones shrinking. */
  #weight = 1;

  add(model: string): void {
    this.#asks.set(model, this.of(model) + this.#weight);
    this.#weight /= kept;
    if (this.#weight < rescaleAt) return;
    for (const [known, asks] of this.#asks) {
      // One that was forgotten that long needs no memory.
      if (asks / rescaleAt < 1e-6) this.#asks.delete(known);
      else this.#asks.set(known, asks / rescaleAt);
    }
    this.#weight /= rescaleAt;
  }

  of(model: string): number {
    return this.#asks.get(model) ?? 0;
  }
}
