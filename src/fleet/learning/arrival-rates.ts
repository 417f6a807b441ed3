/** Seconds of the windows, the longest first. */
const windows = [900, 180, 30, 10];
/** Seconds without arrivals that every count is taken to begin with, forgotten like any others: the first job alone says little. */
const doubtSeconds = 10;
/** From how many standard deviations on a shorter window differs from a longer one by more than chance. */
const significant = 3.2;
/**
 * So many arrivals more make a count that high as rare as the same deviations of a normal one: few arrivals are skewed (Cornish and Fisher's
 * expansion, with variance 1/2 and third moment 1/3 of the mean for an exponentially weighted count).
 */
const skew = (significant ** 2 - 1) / 9;

/**
 * Arrivals per second, exponentially weighted over three windows. The rate is that of the longest one, unless a shorter one differs from it
 * by more than chance: then it is that one.
 */
export class ArrivalRates {
  readonly #since: number;
  readonly #counts = windows.map(() => 0);
  #at: number;

  /** `now`: since when arrivals are counted, milliseconds. */
  constructor(now: number) {
    this.#since = now;
    this.#at = now;
  }

  arrived(now: number): void {
    this.#decay(now);
    for (let n = 0; n < windows.length; n++) this.#counts[n] = (this.#counts[n] as number) + 1;
  }

  /** Jobs of about the last quarter hour. */
  jobs(now: number): number {
    this.#decay(now);
    return this.#counts[0] as number;
  }

  /** Jobs per second. */
  rate(now: number): number {
    this.#decay(now);
    const watched = (now - this.#since) / 1000;
    let rate = (this.#counts[0] as number) / span(windows[0] as number, watched);
    for (let n = 1; n < windows.length; n++) {
      const seconds = span(windows[n] as number, watched);
      const shorter = (this.#counts[n] as number) / seconds;
      // An exponentially weighted count of a Poisson process has half the variance of a plain one with the same mean.
      const deviation = Math.sqrt(Math.max(rate, 1 / (windows[0] as number)) / (2 * seconds));
      const above = shorter - rate - skew / seconds;
      if (Math.max(above, rate - shorter) > significant * deviation) rate = shorter;
    }
    return rate;
  }

  #decay(now: number): void {
    const seconds = (now - this.#at) / 1000;
    if (seconds === 0) return;
    for (let n = 0; n < windows.length; n++) this.#counts[n] = (this.#counts[n] as number) * Math.exp(-seconds / (windows[n] as number));
    this.#at = now;
  }
}

/** Seconds that an exponentially weighted count stands for after so many seconds of counting. */
function span(window: number, watched: number): number {
  // After so many windows nothing is left of the beginning.
  if (watched > 40 * window) return window;
  const forgotten = Math.exp(-watched / window);
  return window * (1 - forgotten) + doubtSeconds * forgotten;
}
