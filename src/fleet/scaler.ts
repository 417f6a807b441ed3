import type { Clock } from './clock.ts';
import type { Container } from './container.ts';
import type { Pool } from './pool.ts';
import { applyLimits, type Bounds, type LimitedDecision } from './scaling/limits.ts';
import { policies } from './scaling/policies.ts';
import type { Decision, FleetSummary } from './scaling/policy.ts';
import type { Affordable } from './scaling/spending.ts';
import type { Slots } from './slots.ts';

/** A policy that asks for the moment in which it is asked would never let the next one come. */
const shortestWaitMs = 1;

/** Everything that went into one decision and came out of it: enough to replay it. */
export interface ScalingStep {
  readonly pool: Pool;
  readonly summary: FleetSummary;
  readonly bounds: Bounds;
  readonly memoryBefore: Pool['memory'];
  readonly decision: Decision;
  readonly limited: LimitedDecision;
}

/** What acts on decisions: the controller's containers, or the simulator's. */
export interface ScaledContainers {
  /** Takes a slot and begins a start; false when no slot is free. */
  start(pool: Pool, reason: string): boolean;
  /** No new job goes to it; it stops when it has no prompt (any more). */
  drain(id: string, reason: string): void;
  all(): readonly Container[];
}

export interface ScalerDependencies {
  readonly clock: Clock;
  readonly containers: ScaledContainers;
  /** A policy is asked at most once in this time, unless at a time it asked for. */
  readonly periodMs: number;
  readonly slots: Slots;
  readonly pools: () => Iterable<Pool>;
  /** USD per hour of a GPU; null: no price set. */
  readonly priceOf: (gpu: string | null) => number | null;
  /** Shares of GPUs that the workspace may hold; null: no limit. */
  readonly gpuLimit: number | null;
  /** Called for each step that did something or changed what holds the deployment back. */
  readonly onStep: (step: ScalingStep) => void;
}

/** Asks the policies when something changed, and acts on what they decide. Event-driven; the only timers are those that policies ask for. */
export class Scaler {
  readonly #deps: ScalerDependencies;
  #stopped = false;

  constructor(deps: ScalerDependencies) {
    this.#deps = deps;
  }

  /** Ends all scaling: the gateway is shutting down. */
  stop(): void {
    this.#stopped = true;
    for (const pool of this.#deps.pools()) pool.timer?.cancel();
  }

  /** Something of this deployment changed: decides now, or as soon as the period allows. */
  wake(pool: Pool): void {
    const now = this.#deps.clock.now();
    pool.accrue(now);
    const allowedAt = pool.lastDecisionAt + this.#deps.periodMs;
    if (now >= allowedAt) this.#decide(pool, false);
    else this.#wakeAt(pool, allowedAt);
  }

  /** A slot or a share of a GPU became free: whoever was short of one may go on. */
  wakeHeld(): void {
    for (const pool of this.#deps.pools()) if (isShort(pool)) this.wake(pool);
  }

  #wakeAt(pool: Pool, at: number): void {
    if (pool.wakeAt !== null && pool.wakeAt <= at) return;
    pool.timer?.cancel();
    pool.wakeAt = at;
    pool.timer = this.#deps.clock.at(at, () => this.#decide(pool, true));
  }

  #decide(pool: Pool, byTimer: boolean): void {
    if (this.#stopped) return;
    const now = this.#deps.clock.now();
    pool.timer?.cancel();
    pool.wakeAt = null;
    pool.lastDecisionAt = now;
    const { scaling } = pool.deployment;
    const policy = policies[scaling.policy];
    const due = byTimer && pool.dueAt !== null && now >= pool.dueAt;
    const price = this.#price();
    pool.price = price;
    const affordable = price === null ? null : pool.affordable(now, price);
    const lateAfterMs = policy.lateAfterMs?.(scaling) ?? null;
    const asked = { due, lateAfterMs, affordable: affordable?.start ?? null, price };
    const summary = pool.summary(now, asked);
    const memoryBefore = pool.memory;
    const decision = policy.decide(summary, scaling, memoryBefore);
    const bounds = this.#bounds(pool, scaling.budget.hard ? affordable : null);
    const limited = applyLimits(decision, summary, scaling, bounds);
    const heldBefore = pool.heldBy;
    pool.decided(summary, decision);
    pool.target = limited.target;
    pool.heldBy = limited.heldBy;
    this.#act(pool, decision, limited);
    if (limited.start + limited.stop + limited.cancel + limited.drain > 0 || limited.heldBy !== heldBefore) {
      this.#deps.onStep({ pool, summary, bounds, memoryBefore, decision, limited });
    }
    pool.dueAt = limited.wakeAt === null ? null : Math.max(limited.wakeAt, due ? now + shortestWaitMs : now);
    // Acting may have asked for another look already; a policy's own wish never delays that.
    if (pool.dueAt !== null) this.#wakeAt(pool, Math.max(pool.dueAt, now + this.#deps.periodMs));
  }

  #act(pool: Pool, decision: Decision, limited: LimitedDecision): void {
    const { containers } = this.#deps;
    for (let n = 0; n < limited.start; n++) containers.start(pool, decision.reason);
    const over = pool.alive > (pool.deployment.scaling.maxContainers ?? Infinity) ? 'over max_containers' : 'the budget is spent';
    const why = (done: number, wished: number): string => (done > wished ? over : decision.reason);
    if (limited.stop > 0)
      for (const container of [...pool.idle.values()].slice(0, limited.stop))
        containers.drain(container.id, why(limited.stop, decision.stop));
    if (limited.cancel > 0)
      for (const container of latestStarts(pool).slice(0, limited.cancel))
        containers.drain(container.id, why(limited.cancel, decision.cancel));
    if (limited.drain > 0) for (const container of drainOrder(pool).slice(0, limited.drain)) containers.drain(container.id, over);
    if (isShort(pool)) this.#reclaim(pool, decision.start - limited.start);
  }

  /** USD per hour of the next container, or, while every slot is taken, of one like the first; null: no price set. */
  #price(): number | null {
    const { slots, priceOf } = this.#deps;
    const { gpu, share } = slots.free > 0 ? slots.next : (slots.all()[0] ?? slots.next);
    const price = priceOf(gpu);
    return price === null ? null : price * share;
  }

  #bounds(pool: Pool, affordable: Affordable | null): Bounds {
    const { containers, gpuLimit, slots } = this.#deps;
    const used = gpuLimit === null ? 0 : containers.all().reduce((sum, container) => sum + container.share, 0);
    const { share } = slots.next;
    const reserved = [...this.#deps.pools()].filter((other) => other !== pool && comesBefore(other, pool)).length;
    return {
      freeSlots: Math.max(0, slots.free - reserved),
      gpuSharesLeft: gpuLimit === null ? null : Math.max(0, gpuLimit - used - reserved * share),
      share,
      affordable,
      backoffUntil: pool.backoffUntil,
    };
  }

  /**
   * Slots are short: idle containers of other deployments above their minimum go, longest idle first. A deployment that has no
   * container at all may also have a busy one drained, when its oldest job is older than anything the other has waiting.
   */
  #reclaim(pool: Pool, short: number): void {
    const others = [...this.#deps.pools()].filter((other) => other !== pool);
    const leaving = others.reduce((sum, other) => sum + other.draining, 0);
    const missing = short - leaving;
    const reason = `its slot is wanted by ${pool.key}`;
    const idle = others.flatMap(spareIdle).sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0));
    for (const container of idle.slice(0, Math.max(0, missing))) this.#deps.containers.drain(container.id, reason);
    if (missing <= 0 || idle.length > 0 || pool.alive > 0) return;
    const givers = others.filter((other) => other.alive > other.deployment.scaling.minContainers && waitsLonger(pool, other));
    const giver = givers.sort((a, b) => b.alive - a.alive)[0];
    const victim = giver && drainOrder(giver)[0];
    if (victim) this.#deps.containers.drain(victim.id, reason);
  }
}

const isShort = (pool: Pool): boolean => pool.heldBy === 'capacity' || pool.heldBy === 'gpu_limit';

const spareIdle = (pool: Pool): Container[] =>
  [...pool.idle.values()].slice(0, Math.max(0, pool.alive - pool.deployment.scaling.minContainers));

/** A deployment that waits for its only container, and longer than the other: a slot that becomes free is kept for it. */
const comesBefore = (pool: Pool, other: Pool): boolean => isShort(pool) && pool.alive === 0 && waitsLonger(pool, other);

/** Has it a job waiting that is older than any that the other has waiting? */
function waitsLonger(pool: Pool, other: Pool): boolean {
  const oldest = pool.dispatcher.queue.oldest();
  const others = other.dispatcher.queue.oldest();
  return oldest !== undefined && (others === undefined || oldest.id < others.id);
}

const latestStarts = (pool: Pool): Container[] =>
  [...pool.containers.values()].filter((container) => container.state === 'starting').sort((a, b) => b.startedAt - a.startedAt);

/** Starting ones first, the newest of them first, since nobody has used them yet; then busy ones, those with the least in flight first. */
function drainOrder(pool: Pool): Container[] {
  const rank = (container: Container): number => (container.state === 'starting' ? 0 : 1);
  return [...pool.containers.values()]
    .filter((container) => container.state === 'starting' || container.state === 'busy')
    .sort((a, b) => rank(a) - rank(b) || a.inFlight - b.inFlight || b.startedAt - a.startedAt);
}
