import type { Pool } from '../../src/fleet/pool.ts';
import { applyLimits } from '../../src/fleet/scaling/limits.ts';
import { policies } from '../../src/fleet/scaling/policies.ts';
import { policyNames, type PolicyName } from '../../src/fleet/scaling/settings.ts';
import type { Timeline } from '../../src/planning/timeline.ts';
import { addIdle, addReady, addStarting, begin, emptyPool, end, job } from './pool.ts';
import type { Figure } from './report.ts';
import { median, quantile } from './statistics.ts';

/** Containers: so many at work, without a job, and starting. */
const busy = 700;
const idle = 150;
const starting = 150;
const queued = 10_000;
const decisions = 1_000;
/** Milliseconds between decisions, which is the shortest in the controller. */
const period = 100;
/** Decisions that are not counted: code is compiled meanwhile. */
const unseen = 200;
/** Late enough for jobs to have come before it. */
const startAt = 100_000;

interface Prompt {
  readonly job: string;
  readonly container: string;
}

/** A deployment in full work. */
class BusyPool {
  readonly subject: Pool;
  readonly clock: Timeline;
  readonly #running: Prompt[] = [];
  #jobs = 0;

  constructor(policy: PolicyName) {
    ({ subject: this.subject, clock: this.clock } = emptyPool({ policy }));
    const { subject, clock } = this;
    clock.skipTo(startAt - 12_000);
    addReady(subject, busy);
    for (let n = 0; n < busy; n++) this.#arrive();
    this.#bind();
    addIdle(subject, idle, busy);
    addStarting(subject, starting, busy + idle, startAt - 5_000);
    // Over the last 12 s: with a target of 6 s more than half of them are late already.
    for (let n = 0; n < queued; n++) {
      clock.skipTo(startAt - 12_000 + (12_000 * n) / queued);
      this.#arrive();
    }
    clock.skipTo(startAt);
  }

  /** A period passes, in which as many jobs come as end, each after about 3 s. */
  pass(): void {
    this.clock.skipTo(this.clock.now() + period);
    for (let n = 0; n < (busy * period) / 3_000; n++) {
      this.#arrive();
      const { job: ended, container } = this.#running.shift() as Prompt;
      this.subject.promptFreed(ended, { whole: true });
      this.subject.promptEnded(ended, container, this.clock.now() - 8_000);
      end(this.subject, container, this.clock.now());
      this.#bind();
    }
  }

  #arrive(): void {
    const n = this.#jobs++;
    const { behind: _, ...queuedJob } = job(n);
    this.subject.queueJob({ ...queuedJob, createdAt: this.clock.now() }, `w${n % 20}`, { isNew: true });
    this.subject.dispatcher.queue.turn(this.clock.now());
  }

  #bind(): void {
    for (let next = this.subject.next(); next; next = this.subject.next()) {
      begin(this.subject, next.container, this.clock.now());
      this.subject.promptBound(next.job.id, next.container, `w${Number(next.job.id.slice(1)) % 20}`);
      this.subject.promptTaken(next.job.id);
      this.#running.push({ job: next.job.id, container: next.container });
    }
  }
}

/** Milliseconds of each decision, from summary to limits. */
function decisionCosts(policy: PolicyName): number[] {
  const pool = new BusyPool(policy);
  const { subject, clock } = pool;
  const { scaling } = subject.deployment;
  const { decide, lateAfterMs } = policies[policy];
  const asked = { due: true, lateAfterMs: lateAfterMs?.(scaling) ?? null, affordable: null, price: null };
  const bounds = { freeSlots: 0, gpuSharesLeft: 100, share: 1, affordable: null, backoffUntil: 0 };
  const costs = Array.from({ length: unseen + decisions }, () => {
    pool.pass();
    const startedAt = process.hrtime.bigint();
    const summary = subject.summary(clock.now(), asked);
    const decision = decide(summary, scaling, subject.memory);
    applyLimits(decision, summary, scaling, bounds);
    subject.decided(summary, decision);
    return Number(process.hrtime.bigint() - startedAt) / 1e6;
  });
  return costs.slice(unseen);
}

/** What a scaling decision costs with 1,000 containers and 10,000 queued jobs: of the policy that takes longest, and of `slo`. */
export function decisionFigures(): Figure[] {
  const costs = policyNames.map((name) => {
    const all = decisionCosts(name);
    return { name, p50: median(all), p99: quantile(all, 0.99) };
  });
  const worst = costs.reduce((a, b) => (b.p99 > a.p99 ? b : a));
  const least = costs.reduce((a, b) => (b.p99 < a.p99 ? b : a));
  const reference = `${least.p99.toFixed(3)} ms for ${least.name}, the quickest`;
  const figure = (what: string, { name, p50, p99 }: (typeof costs)[number]): Figure => ({
    what: `scaling decision, ${what}, p99`,
    value: `${p99.toFixed(3)} ms (p50 ${p50.toFixed(3)}) for ${name}`,
    reference,
    target: '< 2 ms',
    holds: p99 < 2,
  });
  return [
    figure(`slowest of ${policyNames.length} policies`, worst),
    figure(
      'the policy slo',
      costs.find(({ name }) => name === 'slo')!,
    ),
  ];
}
