import type { Endpoint, PromptRunner } from '../comfyui/runner.ts';
import type { NodeDefinitions } from '../comfyui/protocol.ts';
import type { Deployments } from '../deployments/deployments.ts';
import type { Clock } from './clock.ts';

/** Node definitions are half a megabyte and the same everywhere: not every new container is asked. */
const learnPeriodMs = 60_000;
/** So soon is found what was put in place: while a deployment cannot run, before a refusal, and for who reads what is known. */
const soonMs = 3_000;

export interface LearnerDependencies {
  readonly clock: Pick<Clock, 'now'>;
  readonly runner: Pick<PromptRunner, 'definitions' | 'catalogue'>;
  readonly deployments: Pick<Deployments, 'list' | 'learnDefinitions' | 'learnCatalogue'>;
  /** A container that can be asked now. */
  readonly ready: () => Endpoint | null;
  /** Node definitions where no container is needed to tell them; null: nobody can tell. */
  readonly definitions: () => Promise<NodeDefinitions | null>;
}

/** Keeps what the deployments know of containers in step with what containers say. */
export class Learner {
  readonly #deps: LearnerDependencies;
  #learntAt = -Infinity;
  /** One question at a time, whoever asks. */
  #asking: Promise<boolean> | null = null;
  /** Also when there was no answer: one that fails is not asked at every reading. */
  #askedAllAt = -Infinity;
  #askingAll: Promise<void> | null = null;

  constructor(deps: LearnerDependencies) {
    this.#deps = deps;
  }

  /** A container has become ready: it is asked, unless another one was asked lately. */
  async containerReady(endpoint: Endpoint): Promise<void> {
    const { deployments } = this.#deps;
    const troubled = deployments.list().some(({ problems }) => problems.length > 0);
    if (this.#asking || this.#isFresh(troubled ? soonMs : learnPeriodMs)) return;
    await this.#learnAll(endpoint);
  }

  /** Somebody reads what is known: where that is old, a ready container is asked, so that the next one reads what is so now. */
  async refresh(): Promise<void> {
    const { clock, ready } = this.#deps;
    const endpoint = ready();
    if (!endpoint || this.#askingAll || clock.now() < this.#askedAllAt + soonMs) return;
    // As with `learnNow`: the fleet finds out what is wrong with it.
    await this.#learnAll(endpoint).catch(() => undefined);
  }

  /** Before a job is refused for what containers lack. False: nobody can tell before a container starts, so what is known may be outdated. */
  async learnNow(): Promise<boolean> {
    const { ready, runner, definitions } = this.#deps;
    if (this.#isFresh(soonMs)) return true;
    const endpoint = ready();
    // One that does not answer is in trouble of its own, which the fleet finds out.
    return this.#learn(() => (endpoint ? runner.definitions(endpoint) : definitions())).catch(() => false);
  }

  #isFresh(periodMs: number): boolean {
    return this.#deps.clock.now() < this.#learntAt + periodMs;
  }

  #learnAll(endpoint: Endpoint): Promise<void> {
    const { clock, deployments, runner } = this.#deps;
    const learn = async (): Promise<void> => {
      await this.#learn(() => runner.definitions(endpoint));
      await deployments.learnCatalogue(await runner.catalogue(endpoint));
    };
    return (this.#askingAll ??= learn().finally(() => {
      this.#askingAll = null;
      this.#askedAllAt = clock.now();
    }));
  }

  #learn(ask: () => Promise<NodeDefinitions | null>): Promise<boolean> {
    const learn = async (): Promise<boolean> => {
      const definitions = await ask();
      if (!definitions) return false;
      await this.#deps.deployments.learnDefinitions(definitions);
      this.#learntAt = this.#deps.clock.now();
      return true;
    };
    return (this.#asking ??= learn().finally(() => (this.#asking = null)));
  }
}
