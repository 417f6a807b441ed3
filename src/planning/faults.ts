import { Draw } from './random.ts';

/** Shares from 0 to 1. */
export interface FaultSettings {
  /** Of the tries of jobs, that take their container down on the way. */
  readonly crashPerJob: number;
  /** Of the starts of containers, that come to nothing. */
  readonly failedStarts: number;
  readonly seed: number;
}

export const noFaults: FaultSettings = { crashPerJob: 0, failedStarts: 0, seed: 0 };

/** What goes wrong, drawn from a seed. Jobs and starts have streams of their own. */
export class Faults {
  readonly #settings: FaultSettings;
  readonly #jobs: Draw;
  readonly #starts: Draw;

  constructor(settings: FaultSettings) {
    this.#settings = settings;
    this.#jobs = new Draw(settings.seed + 2 ** 40);
    this.#starts = new Draw(settings.seed + 2 ** 41);
  }

  startFails(): boolean {
    const { failedStarts } = this.#settings;
    return failedStarts > 0 && this.#starts.uniform() < failedStarts;
  }

  /** When the next try that is `gpuMs` long on its GPU goes down with its container, from its beginning; null: it does not. */
  crashAfterMs(gpuMs: number): number | null {
    const { crashPerJob } = this.#settings;
    if (crashPerJob === 0 || this.#jobs.uniform() >= crashPerJob) return null;
    return Math.floor(this.#jobs.uniform() * gpuMs);
  }
}
