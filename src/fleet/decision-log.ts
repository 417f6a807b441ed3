import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { fleetTopic, type FleetBusEvent } from '../bus/events.ts';
import type { DecisionRecord, Store } from '../store/store.ts';
import { hashDecision } from '../telemetry/decisions.ts';
import type { ScalingStep } from './scaler.ts';

/** Keeps each scaling step with everything that went into it, so that it can be replayed to the same bytes. */
export class DecisionLog {
  readonly #deps: { store: Store; bus: Bus; log: Logger };
  readonly #pending = new Set<Promise<void>>();
  #seq = 0;

  constructor(deps: { store: Store; bus: Bus; log: Logger }) {
    this.#deps = deps;
  }

  /** Goes on with the numbers of the gateway's former lives. */
  async continueStored(): Promise<void> {
    const [last] = await this.#deps.store.decisions({ limit: 1 });
    this.#seq = last?.seq ?? 0;
  }

  record(step: ScalingStep): void {
    const { store, bus, log } = this.#deps;
    const { pool, summary, bounds, memoryBefore, decision, limited } = step;
    const { scaling } = pool.deployment;
    const data = { summary, settings: scaling, memory: memoryBefore, bounds: { ...bounds }, decision, limited };
    const reason = limited.heldBy ? `${decision.reason}; held by ${limited.heldBy}` : decision.reason;
    const record: DecisionRecord = {
      seq: ++this.#seq,
      at: summary.now,
      deployment: pool.deployment.name,
      environment: pool.deployment.environment,
      kind: 'scale',
      reason,
      data,
      hash: hashDecision(data),
    };
    log.info(
      {
        event: 'autoscale_decision',
        deployment: record.deployment,
        reason,
        start: limited.start,
        stop: limited.stop + limited.cancel + limited.drain,
      },
      'scaling decision',
    );
    const published: FleetBusEvent = { kind: 'decision', decision: record };
    bus.publish(fleetTopic, published);
    const saved = store
      .recordDecision(record)
      .catch((error: unknown) => log.warn({ event: 'decision_not_stored', err: error }, 'a decision was not stored'))
      .finally(() => this.#pending.delete(saved));
    this.#pending.add(saved);
  }

  /** Settles when everything recorded so far is stored. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
