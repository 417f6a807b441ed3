/** How long the next job will take, seconds. */
export interface ServiceTime {
  readonly mean: number;
  /** Mean and standard deviation of the logarithm: times are taken as lognormal. */
  readonly mu: number;
  readonly sigma: number;
}

/** Weight that a new time has at least: the last fifty or so count. */
const leastWeight = 0.02;
/** Samples that what is known beforehand is worth. */
const priorSamples = 3;
/** Of what is not known at all: a factor of e^0.5 up or down is nothing unusual. */
const vagueSigma = 0.5;

interface Moments {
  samples: number;
  mu: number;
  variance: number;
}

/**
 * Learns how long jobs take, for each workflow class apart; a class that is not known yet is taken for one like all others. Lognormal by
 * exponentially weighted moments of the logarithm, since times are positive and vary by factors.
 */
export class ServiceTimes {
  readonly #classes = new Map<string, Moments>();
  readonly #all: Moments;

  /** `guessSeconds`: what to expect before anything is known; it weighs as much as a few jobs. */
  constructor(guessSeconds: number) {
    this.#all = { samples: priorSamples, mu: Math.log(guessSeconds), variance: vagueSigma ** 2 };
  }

  learn(workflow: string, seconds: number): void {
    const log = Math.log(Math.max(seconds, 0.001));
    let moments = this.#classes.get(workflow);
    // A class that nobody knows begins with its first job: it says more than all the others.
    if (!moments) this.#classes.set(workflow, (moments = { samples: 0, mu: log, variance: this.#all.variance }));
    update(moments, log);
    update(this.#all, log);
  }

  predict(workflow: string): ServiceTime {
    const { mu, variance } = this.#classes.get(workflow) ?? this.#all;
    return { mean: Math.exp(mu + variance / 2), mu, sigma: Math.sqrt(variance) };
  }
}

function update(moments: Moments, log: number): void {
  moments.samples++;
  const weight = Math.max(leastWeight, 1 / moments.samples);
  const off = log - moments.mu;
  moments.mu += weight * off;
  // With few samples the spread is still mostly what was expected.
  moments.variance += Math.max(leastWeight, 1 / (moments.samples + 1)) * (off * off - moments.variance);
}

/** Time below which a share of the jobs stays: `deviations` is the standard normal quantile of that share. */
export const quantileOf = ({ mu, sigma }: ServiceTime, deviations: number): number => Math.exp(mu + sigma * deviations);
