import type { Runtime, RuntimeEvent } from '../runtimes/runtime.ts';
import type { Clock } from './clock.ts';
import type { Containers } from './containers.ts';

interface Dependencies {
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly containers: Containers;
  /** It is gone without having been asked to go. */
  readonly exited: (id: string, code: string, message: string) => void;
  /** The containers can be trusted again after an interruption. */
  readonly resumed: () => void;
  /** A start is worth another try at once. */
  readonly reachable: () => void;
}

/** Keeps the containers in step with what the runtime tells, and knows when it tells nothing. */
export class RuntimeWatch {
  readonly #deps: Dependencies;
  #interruptions = 0;
  #over = 0;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /**
   * Nothing is heard of the containers: they may all be gone together, and each that a job is bound to would cost it one of its attempts.
   */
  get interrupted(): boolean {
    return this.#interruptions > this.#over;
  }

  /** Settles when what the event asks for is done. */
  async hear(event: RuntimeEvent): Promise<void> {
    const { containers, exited } = this.#deps;
    switch (event.type) {
      case 'phase':
        return containers.apply(event.id, event);
      case 'ready':
        return containers.ready(event);
      case 'exited':
        return exited(event.id, event.code, event.message);
      case 'reachable':
        return this.#deps.reachable();
      case 'interrupted':
        this.#interruptions++;
        return undefined;
      case 'resumed':
        return this.#resume(this.#interruptions);
      case 'reset':
        return this.#lookAgain();
    }
  }

  /** Events may have been missed: what the runtime does not have any more is lost, and what has become ready meanwhile is ready. */
  async compare(): Promise<void> {
    const { clock, runtime, containers, exited } = this.#deps;
    const askedAt = clock.now();
    const there = new Map((await runtime.list()).map((container) => [container.id, container]));
    for (const { id, startedAt } of containers.all()) {
      const running = there.get(id);
      // One that was begun while the list was on its way is not in it yet.
      if (!running && startedAt < askedAt) exited(id, 'crashed', 'its supervisor was lost');
      if (running?.endpoint) containers.apply(id, { type: 'ready', at: clock.now(), endpoint: running.endpoint });
    }
  }

  async #lookAgain(): Promise<void> {
    const upTo = this.#interruptions;
    try {
      await this.compare();
    } finally {
      this.#resume(upTo);
    }
  }

  #resume(upTo: number): void {
    if (upTo === this.#over) return;
    this.#over = upTo;
    this.#deps.resumed();
  }
}
