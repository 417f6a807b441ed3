import type { Logger } from 'pino';
import type { Deployment } from '../deployments/deployment.ts';
import type { Clock, Timer } from '../fleet/clock.ts';
import { medianStartMs } from '../fleet/container.ts';
import type { LearntTimes } from '../fleet/learning/observations.ts';
import { poolKey } from '../fleet/pool.ts';
import { leastJobs } from '../planning/summary.ts';
import type { Store } from '../store/store.ts';
import type { KnownBound } from './bound.ts';
import type { ShadowDocument, ShadowResult } from './document.ts';
import { readHistory, type History } from './history.ts';
import type { Pseudonym } from './recorded-trace.ts';
import type { Timing } from './replay.ts';
import type { Replayer } from './replayer.ts';
import { resultOf } from './result.ts';

/** In a gateway the first round begins so long after its start, when everything else has begun. */
export const firstReplayMs = 10_000;

export interface ShadowDependencies {
  readonly store: Pick<Store, 'arrivals' | 'arrivalFromEnd' | 'gpuTimes' | 'containers' | 'usage'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deployments: () => readonly Deployment[];
  /** What the fleet has learnt of a deployment; null: it has none of that name. */
  readonly learnt: (deployment: Deployment) => LearntTimes | null;
  /** Containers that there is room for. */
  readonly slots: number;
  readonly pseudonym: () => Promise<Pseudonym>;
  readonly replay: Replayer;
  /** Milliseconds between rounds, null: there are none; and how far back a replay looks. */
  readonly settings: { readonly everyMs: number | null; readonly windowMs: number };
  /** The first round comes so long after the start: what an earlier life of the gateway stored can be told at once. */
  readonly firstMs: number;
}

interface Known {
  state: 'waiting' | 'ready' | 'failed';
  note: string | null;
  result: ShadowResult | null;
  bound: KnownBound | null;
}

/** Why there can be no replay. */
class NotYet extends Error {}

/**
 * Replays what came to each deployment lately, every few minutes, with its own settings and with others: one at a time, in a thread of its
 * own. Whatever goes wrong is logged and shown, and tried again in the next round.
 */
export class Shadow {
  readonly #deps: ShadowDependencies;
  readonly #known = new Map<string, Known>();
  readonly #stopping = new AbortController();
  #timer: Timer | null = null;
  #nextAt: number | null = null;
  #round: Promise<void> = Promise.resolve();

  constructor(deps: ShadowDependencies) {
    this.#deps = deps;
  }

  start(): void {
    const { everyMs } = this.#deps.settings;
    if (everyMs !== null) this.#plan(Math.min(this.#deps.firstMs, everyMs), everyMs);
  }

  /** Settles when no thread runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    await this.#round;
  }

  /** What is known of a deployment now. */
  view(of: Pick<Deployment, 'name' | 'environment'>): ShadowDocument {
    const { name: deployment, environment } = of;
    const next_at = this.#nextAt === null ? null : new Date(this.#nextAt).toISOString();
    const { state, note, result } = this.#known.get(keyOf(of)) ?? { state: 'waiting', note: 'there was no replay yet', result: null };
    if (this.#deps.settings.everyMs !== null) return { deployment, environment, state, note, next_at, result };
    return { deployment, environment, state: 'off', note: 'shadow.every is off in the configuration', next_at, result: null };
  }

  /** The last results of all deployments. */
  *results(): Iterable<{ deployment: string; environment: string; result: ShadowResult }> {
    for (const { name: deployment, environment } of this.#deps.deployments()) {
      const result = this.#known.get(keyOf({ name: deployment, environment }))?.result;
      if (result) yield { deployment, environment, result };
    }
  }

  #plan(inMs: number, everyMs: number): void {
    const { clock } = this.#deps;
    this.#nextAt = clock.now() + inMs;
    this.#timer = clock.at(this.#nextAt, () => {
      this.#nextAt = null;
      this.#round = this.#replayAll().then(() => (this.#stopping.signal.aborted ? undefined : this.#plan(everyMs, everyMs)));
    });
  }

  async #replayAll(): Promise<void> {
    const deployments = this.#deps.deployments();
    const keys = new Set(deployments.map(keyOf));
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
    for (const deployment of deployments) {
      if (this.#stopping.signal.aborted) return;
      await this.#replayOne(deployment);
    }
  }

  async #replayOne(deployment: Deployment): Promise<void> {
    const before = this.#known.get(keyOf(deployment)) ?? { state: 'waiting', note: null, result: null, bound: null };
    try {
      const { result, bound } = await this.#result(deployment, before.bound);
      this.#known.set(keyOf(deployment), { state: 'ready', note: null, result, bound });
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const note = error instanceof Error ? error.message : String(error);
      if (error instanceof NotYet) this.#known.set(keyOf(deployment), { state: 'waiting', note, result: null, bound: null });
      else {
        this.#known.set(keyOf(deployment), { ...before, state: 'failed', note: `the last replay came to nothing: ${note}` });
        this.#deps.log.warn(
          { event: 'shadow_failed', deployment: deployment.name, err: error },
          'a replay of the last day came to nothing',
        );
      }
    }
  }

  async #result(deployment: Deployment, known: KnownBound | null): Promise<Pick<Known, 'bound'> & { result: ShadowResult }> {
    const { store, clock, settings, slots, replay, pseudonym } = this.#deps;
    const { scaling } = deployment;
    const history = await readHistory(store, deployment, { to: clock.now(), windowMs: settings.windowMs, pseudonym: await pseudonym() });
    const { jobs, window, measured, containers } = history;
    if (jobs.length < leastJobs) {
      const some = jobs.length === 1 ? '1 job' : `${jobs.length} jobs`;
      throw new NotYet(`${some} came lately, and a replay needs at least ${leastJobs}`);
    }
    const { usdPerHour: price = null, share = 1 } = containers[0] ?? {};
    const usdPerHour = price === null ? null : price * share;
    const input = { jobs, scaling, timing: this.#timing(deployment, history), slots, horizonMs: window.to - window.from, usdPerHour };
    const replayed = await replay({ input, known }, this.#stopping.signal);
    const result = resultOf({ replay: replayed, input, window, at: clock.now(), measured });
    return { result, bound: replayed.bound };
  }

  /** Rounded, so that what is learnt with each job does not make every bound a new one. */
  #timing(deployment: Deployment, { containers }: History): Timing {
    const learnt = this.#deps.learnt(deployment);
    // The containers: what an earlier life of the gateway saw.
    const startMs = learnt?.startMs ?? medianStartMs(containers);
    if (startMs === null) throw new NotYet('no container has become ready lately, so nothing is known of starts');
    return {
      startMs: roundTo(startMs, 100),
      beforeMs: roundTo(learnt?.leadMs ?? 0, 10),
      afterMs: roundTo(learnt?.afterMs ?? 0, 10),
      loadMs: roundTo(learnt?.loadMs ?? 0, 100),
    };
  }
}

const keyOf = ({ name, environment }: Pick<Deployment, 'name' | 'environment'>): string => poolKey(name, environment);

const roundTo = (ms: number, step: number): number => Math.round(ms / step) * step;
