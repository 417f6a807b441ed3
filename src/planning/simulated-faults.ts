import type { Faults } from './faults.ts';
import { Draw } from './random.ts';

/** What goes wrong, drawn from a seed. Jobs and starts have streams of their own. */
export class SimulatedFaults {
  readonly #faults: Faults;
  readonly #jobs: Draw;
  readonly #starts: Draw;

  constructor(faults: Partial<Faults>, seed: number) {
    this.#faults = { crashPerJob: 0, failedStarts: 0, ...faults };
    this.#jobs = new Draw(seed + 2 ** 40);
    this.#starts = new Draw(seed + 2 ** 41);
  }

  startFails(): boolean {
    const { failedStarts } = this.#faults;
    return failedStarts > 0 && this.#starts.uniform() < failedStarts;
  }

  /** When the next try that is `gpuMs` long on its GPU goes down with its container, from its beginning; null: it does not. */
  crashAfterMs(gpuMs: number): number | null {
    const { crashPerJob } = this.#faults;
    if (crashPerJob === 0 || this.#jobs.uniform() >= crashPerJob) return null;
    return Math.floor(this.#jobs.uniform() * gpuMs);
  }
}
