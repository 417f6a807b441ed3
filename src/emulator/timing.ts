import { median, sample } from './profile.ts';
import type { Draws, Profile } from './profile.ts';

/** Times of one container, in seconds, drawn from its profile; it also remembers which model is on the GPU. */
export class Timing {
  readonly #profile: Profile;
  readonly #draws: Draws;
  #resident: string | null = null;

  constructor(profile: Profile, draws: Draws) {
    this.#profile = profile;
    this.#draws = draws;
  }

  /** How long loading a model takes now; afterwards it is the one that is resident. */
  load(model: string): number {
    const { execute, first_job, execute_after_other_model } = this.#profile.seconds;
    const before = this.#resident;
    this.#resident = model;
    if (before === model) return 0;
    const whole = before !== null && execute_after_other_model ? execute_after_other_model : first_job;
    return Math.max(0, sample(whole, this.#draws) - median(execute));
  }

  /** Takes the model off the GPU. */
  unload(): void {
    this.#resident = null;
  }

  /** How long a sampler runs that does `steps` steps for `batch` pictures at once. */
  sampling(steps: number, batch: number): number {
    return sample(this.#profile.seconds.execute, this.#draws) * (steps / this.#profile.steps) * this.#batchFactor(batch);
  }

  /** Half of the time that a request spends off the GPU: once before the queue, once before its file. */
  halfOutside(): number {
    const outside = this.#profile.seconds.outside_gpu;
    return outside ? sample(outside, this.#draws) / 2 : 0;
  }

  /** Seconds of a batch over those of one picture: by the table, straight lines between its rows and on beyond the last. */
  #batchFactor(batch: number): number {
    const table = this.#profile.seconds.batch;
    const rows = Object.entries(table ?? {})
      .map(([size, seconds]) => ({ size: Number(size), seconds }))
      .sort((a, b) => a.size - b.size);
    const [one] = rows;
    if (one?.size !== 1 || one.seconds === 0 || rows.length < 2) return batch;
    const found = rows.findIndex((row) => row.size >= batch);
    const after = found === -1 ? rows.length - 1 : Math.max(1, found);
    const [low, high] = [rows[after - 1] ?? one, rows[after] ?? one];
    const slope = (high.seconds - low.seconds) / (high.size - low.size);
    return (low.seconds + slope * (batch - low.size)) / one.seconds;
  }
}
