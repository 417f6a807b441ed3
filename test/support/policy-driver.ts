import { policies } from '../../src/fleet/scaling/policies.ts';
import { aliveOf, type FleetSummary, type Policy } from '../../src/fleet/scaling/policy.ts';
import { defaultScaling, type PolicyName, type ScalingSettings } from '../../src/fleet/scaling/settings.ts';
import { summaryOf } from './summary.ts';

/** How many there are of each; containers that are not busy are idle, and starts are idle at once. */
interface State {
  queued: number;
  running: number;
  busy: number;
  idle: number;
}

/** Asks one policy at events and whenever it wished to be asked, and does what it says at once. Settings keep their defaults. */
export class Driver {
  readonly #policy: Policy;
  #settings: ScalingSettings;
  #state: State = { queued: 0, running: 0, busy: 0, idle: 0 };
  #memory: FleetMemory = null;
  #now = 0;
  /** So much later than wished it is asked. */
  lateMs = 0;
  wakeAt: number | null = null;
  reason = '';
  /** Containers after each decision that started or stopped some, with its time. */
  readonly changes: [at: number, alive: number][] = [];

  constructor(policy: PolicyName, settings: Partial<ScalingSettings> = {}) {
    this.#policy = policies[policy];
    this.#settings = { ...defaultScaling, policy, ...settings };
  }

  get alive(): number {
    return aliveOf(this.#summary(false));
  }

  set(settings: Partial<ScalingSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.#decide(false);
  }

  /** Time goes on up to just before `at`; then this is so, and the policy is asked. More busy ones are idle ones that got a job. */
  happens(at: number, { queued, running, busy, idle }: Partial<State> = {}): void {
    this.#runBefore(at);
    const state = this.#state;
    if (idle !== undefined) state.idle = idle;
    if (busy !== undefined) {
      state.idle -= busy - state.busy;
      state.busy = busy;
    }
    state.queued = queued ?? state.queued;
    state.running = running ?? state.running;
    this.#decide(false);
  }

  /** An idle container is gone. */
  loses(at: number): void {
    this.happens(at, { idle: this.#state.idle - 1 });
  }

  /** A time has come that the limits wished for, such as the end of a pause after failed starts. */
  pauseEnds(at: number): void {
    this.#runBefore(at);
    this.#decide(true);
  }

  /** Everything that it wished for up to this time, which is included. */
  runUntil(at: number): void {
    this.#runBefore(at + 1);
    this.#now = at;
  }

  #runBefore(at: number): void {
    while (this.wakeAt !== null && this.wakeAt + this.lateMs < at) {
      this.#now = Math.max(this.#now, this.wakeAt + this.lateMs);
      this.#decide(true);
    }
    this.#now = at;
  }

  #decide(due: boolean): void {
    const { start, stop, cancel, wakeAt, memory, reason } = this.#policy.decide(this.#summary(due), this.#settings, this.#memory);
    this.#state.idle += start - stop;
    this.#memory = JSON.parse(JSON.stringify(memory)) as FleetMemory;
    this.wakeAt = wakeAt;
    this.reason = reason;
    if (start + stop + cancel > 0) this.changes.push([this.#now, this.alive]);
  }

  #summary(due: boolean): FleetSummary {
    const { queued, running, busy, idle } = this.#state;
    return summaryOf({ now: this.#now, due, queued, running, busy, idleForMs: Array.from({ length: idle }, () => 0) });
  }
}

type FleetMemory = Parameters<Policy['decide']>[2];
