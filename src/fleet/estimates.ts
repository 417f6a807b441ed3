/** Weight of the newest value in what was learnt. */
const weight = 0.2;

/** What a deployment's prompts have taught about their times so far: exponentially weighted means, milliseconds. Null: nothing yet. */
export class Estimates {
  readonly #gpuMs = new Map<string, number>();
  #leadMs: number | null = null;
  #loadMs: number | null = null;

  /** From binding a prompt until its container's GPU takes it, when it need not wait for the GPU. */
  get leadMs(): number | null {
    return this.#leadMs;
  }

  learnLead(ms: number): void {
    this.#leadMs = mean(this.#leadMs, ms);
  }

  /** Loading a prompt's models onto a GPU that does not hold them. */
  get loadMs(): number | null {
    return this.#loadMs;
  }

  learnLoad(ms: number): void {
    this.#loadMs = mean(this.#loadMs, ms);
  }

  /** Exclusive time on the GPU of a prompt of this class. */
  gpuMs(workflow: string): number | null {
    return this.#gpuMs.get(workflow) ?? null;
  }

  learnGpu(workflow: string, ms: number): void {
    this.#gpuMs.set(workflow, mean(this.gpuMs(workflow), ms));
  }
}

const mean = (before: number | null, value: number): number => (before === null ? value : before + weight * (value - before));
