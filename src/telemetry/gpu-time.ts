import { isAlive, secondsByUse, type Container, type ContainerRecord } from '../fleet/container.ts';

type SecondsByUse = ReturnType<typeof secondsByUse>;
export type Use = keyof SecondsByUse;
export const uses: readonly Use[] = ['busy', 'starting', 'idle'];

/** The part of a container that accounts need; `busySince` says since when it has worked, where that is known. */
export type Accountable = ContainerRecord & Partial<Pick<Container, 'busySince'>>;

/** Called with seconds of container life that were not counted before; never negative. */
export type Account = (container: Accountable, use: Use, seconds: number) => void;

/**
 * Turns changes of containers into growing sums of seconds by use, by the same formula as the money. Time that an adopted container
 * lived under an earlier gateway was counted there and is left out.
 */
export class GpuTime {
  readonly #living = new Map<string, { container: Accountable; counted: SecondsByUse }>();
  readonly #account: Account;
  /** Containers that started before this are adopted. */
  readonly #since: number;

  constructor(since: number, account: Account) {
    this.#since = since;
    this.#account = account;
  }

  /** Living containers as they were last seen. */
  *living(): Iterable<Accountable> {
    for (const { container } of this.#living.values()) yield container;
  }

  /** Takes a container's new state and gives the one before: null when it was born just now, itself when it was adopted. */
  changed(container: Accountable, at: number): Accountable | null {
    const known = this.#living.get(container.id);
    const adopted = !known && container.startedAt < this.#since;
    const counted = known?.counted ?? (adopted ? secondsByUse(container, at) : { starting: 0, busy: 0, idle: 0 });
    this.#count(container, counted, at);
    if (isAlive(container.state)) this.#living.set(container.id, { container, counted });
    else this.#living.delete(container.id);
    return known?.container ?? (adopted ? container : null);
  }

  /** Counts what has passed since, for every living container. */
  advanceTo(at: number): void {
    for (const { container, counted } of this.#living.values()) this.#count(container, counted, at);
  }

  #count(container: Accountable, counted: SecondsByUse, at: number): void {
    const now = secondsByUse(container, at);
    for (const use of uses) {
      const seconds = now[use] - counted[use];
      if (seconds <= 0) continue;
      counted[use] = now[use];
      this.#account(container, use, seconds);
    }
  }
}
