const fastSeconds = 30;
const slowSeconds = 180;
/** Seconds without arrivals that every count is taken to begin with: the first job alone says little. */
const doubtSeconds = 5;
/** From how many standard deviations on the last half minute is more than chance. */
const significant = 2.5;

/**
 * Arrivals per second, exponentially weighted over half a minute and over three minutes. The rate is that of the three minutes, unless the
 * last half minute differs from it by more than chance: then it is that one.
 */
export class ArrivalRates {
  readonly #since: number;
  #at: number;
  #fast = 0;
  #slow = 0;

  /** `now`: since when arrivals are counted, milliseconds. */
  constructor(now: number) {
    this.#since = now;
    this.#at = now;
  }

  arrived(now: number): void {
    this.#decay(now);
    this.#fast++;
    this.#slow++;
  }

  /** Jobs per second. */
  rate(now: number): number {
    this.#decay(now);
    const watched = (now - this.#since) / 1000;
    const slow = this.#slow / (span(slowSeconds, watched) + doubtSeconds);
    const fastSpan = span(fastSeconds, watched) + doubtSeconds;
    const fast = this.#fast / fastSpan;
    // An exponentially weighted count of a Poisson process has half the variance of a plain one with the same mean.
    const deviation = Math.sqrt(Math.max(slow, 1 / slowSeconds) / (2 * fastSpan));
    return Math.abs(fast - slow) > significant * deviation ? fast : slow;
  }

  #decay(now: number): void {
    const seconds = (now - this.#at) / 1000;
    if (seconds === 0) return;
    this.#fast *= Math.exp(-seconds / fastSeconds);
    this.#slow *= Math.exp(-seconds / slowSeconds);
    this.#at = now;
  }
}

/** Seconds that an exponentially weighted count stands for after so many seconds of counting. */
const span = (window: number, watched: number): number => window * (1 - Math.exp(-watched / window));
