import { lognormal, type Lognormal } from './lognormal.ts';

/** Weight that a new time has at least: about the last fifty count. */
const leastWeight = 0.02;
/** Jobs that what is known beforehand is worth. */
const priorJobs = 3;
/** Spread of what is not known at all: a factor of 1.6 up or down is nothing unusual. */
const vagueSigma = 0.5;

const mostClasses = 1_000;

interface Moments {
  jobs: number;
  mu: number;
  variance: number;
  /** What follows from them, until the next job. */
  prediction: Lognormal | null;
}

/**
 * Learns how long jobs take on the GPU, seconds, each workflow class apart; a class that is not known yet is taken for one like all others.
 * Lognormal, by exponentially weighted moments of the logarithm.
 */
export class ServiceTimes {
  readonly #classes = new Map<string, Moments>();
  readonly #all: Moments;

  /** `guessSeconds`: what to expect before anything is known. */
  constructor(guessSeconds: number) {
    this.#all = { jobs: priorJobs, mu: Math.log(guessSeconds) - vagueSigma ** 2 / 2, variance: vagueSigma ** 2, prediction: null };
  }

  learn(workflow: string, seconds: number): void {
    const log = Math.log(Math.max(seconds, 0.001));
    let moments = this.#classes.get(workflow);
    // The first job of a class says more of it than all the others.
    if (!moments) moments = this.#add(workflow, { jobs: 0, mu: log, variance: this.#all.variance, prediction: null });
    update(moments, log);
    update(this.#all, log);
  }

  /** Of a class, or of all jobs together. */
  predict(workflow?: string): Lognormal {
    const moments = (workflow === undefined ? undefined : this.#classes.get(workflow)) ?? this.#all;
    return (moments.prediction ??= lognormal(moments.mu, Math.sqrt(moments.variance)));
  }

  /** Clients may send any graph: of too many classes the one that came first is forgotten. */
  #add(workflow: string, moments: Moments): Moments {
    const [oldest] = this.#classes.keys();
    if (this.#classes.size >= mostClasses && oldest !== undefined) this.#classes.delete(oldest);
    this.#classes.set(workflow, moments);
    return moments;
  }

  /** Has a job of this class been seen? */
  knows(workflow: string): boolean {
    return this.#classes.has(workflow);
  }
}

function update(moments: Moments, log: number): void {
  moments.jobs++;
  moments.prediction = null;
  const off = log - moments.mu;
  moments.mu += Math.max(leastWeight, 1 / moments.jobs) * off;
  // One job alone has no spread: the first leaves half of what was expected, and later ones weigh more, so that this is soon forgotten.
  moments.variance += Math.max(leastWeight, 2 / (moments.jobs + 3)) * (off * off - moments.variance);
}
