import { advance, type Container } from '../src/fleet/container.ts';
import { Pool } from '../src/fleet/pool.ts';
import { applyLimits } from '../src/fleet/scaling/limits.ts';
import { perInput } from '../src/fleet/scaling/per-input.ts';
import { defaultScaling } from '../src/fleet/scaling/settings.ts';
import { Timeline } from '../src/planning/timeline.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median, quantile } from './lib/statistics.ts';

const rounds = 20_000;

/** A deployment with so many containers, a tenth of them idle between jobs, and so many queued jobs of a hundred keys. */
function pool(containers: number, queued: number): Pool {
  const deployment = {
    name: 'bench',
    environment: 'production',
    workspace: 'local',
    default: true,
    revision: 'r',
    scaling: defaultScaling,
    executionTimeoutMs: 0,
    problems: [],
    createdAt: 0,
    updatedAt: 0,
  };
  const built = new Pool(deployment, { clock: new Timeline(), onOpen: () => undefined, prior: {} });
  for (let n = 0; n < containers; n++) {
    const id = `c${String(n).padStart(6, '0')}`;
    built.put(readyContainer(id));
    built.dispatcher.addContainer({ id, maxInputs: 1, inFlight: 0, modelKey: `m${n % 7}`, at: n });
  }
  for (let n = 0; n < queued; n++) built.dispatcher.queue.add(job(n));
  return built;
}

const job = (n: number) => ({
  id: `j${String(n).padStart(9, '0')}`,
  priority: n % 3,
  number: n,
  key: `k${n % 100}`,
  modelKey: `m${n % 7}`,
  createdAt: n,
  behind: null,
});

function readyContainer(id: string): Container {
  const slot = { host: 'h', device: 'gpu0', gpu: 'A10G', share: 1 };
  const place = { workspace: 'local', environment: 'production', deployment: 'bench', revision: 'r', runtime: 'emulated', epoch: 1 };
  const life = { startedAt: 0, readyAt: 1, stoppedAt: null, startReason: '', stopReason: null, failure: null, phases: [] };
  const work = { jobsDone: 0, busySeconds: 0, usdPerHour: 1.1, inFlight: 0, idleSince: 1, busySince: null, modelKey: '' };
  return { id, ...slot, ...place, ...life, ...work, state: 'ready', endpoint: { url: '' } };
}

/** Microseconds per event over `rounds` cycles of: a job arrives, is bound, and a job ends. */
function eventCost(containers: number, queued: number): number {
  const subject = pool(containers, queued);
  const bound: string[] = [];
  for (let next = subject.dispatcher.next(0, 1); next; next = subject.dispatcher.next(0, 1)) begin(subject, next.container, bound);
  const startedAt = process.hrtime.bigint();
  for (let n = 0; n < rounds; n++) {
    subject.dispatcher.queue.add(job(queued + n));
    const id = bound[n % bound.length]!;
    subject.dispatcher.jobEnded(id, n);
    subject.put(advance(subject.containers.get(id)!, { type: 'job_ended', at: n, done: true }));
    const next = subject.dispatcher.next(n, 1)!;
    subject.put(advance(subject.containers.get(next.container)!, { type: 'job_started', at: n, modelKey: next.job.modelKey }));
  }
  return Number(process.hrtime.bigint() - startedAt) / 1_000 / rounds / 3;
}

function begin(subject: Pool, id: string, bound: string[]): void {
  bound.push(id);
  subject.put(advance(subject.containers.get(id)!, { type: 'job_started', at: 0, modelKey: '' }));
}

/** Milliseconds of one scaling decision: summary, policy and limits. */
function decisionCosts(containers: number, queued: number): number[] {
  const subject = pool(containers, queued);
  const bounds = { freeSlots: 0, gpuSharesLeft: 100, share: 1, affordable: null, backoffUntil: 0 };
  return Array.from({ length: 1_000 }, (_, n) => {
    const startedAt = process.hrtime.bigint();
    const summary = subject.summary(n, { due: false, lateAfterMs: null, affordable: null });
    applyLimits(perInput.decide(summary, defaultScaling, null), summary, defaultScaling, bounds);
    return Number(process.hrtime.bigint() - startedAt) / 1e6;
  });
}

export const scalingBench: Bench = {
  name: 'scaling',
  what: 'cost of an event and of a decision with 1,000 containers and 10,000 queued jobs',
  async run() {
    eventCost(100, 1_000);
    const small = median(Array.from({ length: 5 }, () => eventCost(100, 1_000)));
    const large = median(Array.from({ length: 5 }, () => eventCost(1_000, 10_000)));
    const decisions = decisionCosts(1_000, 10_000);
    const figures: Figure[] = [
      {
        what: 'event, 1,000 containers and 10,000 jobs',
        value: `${large.toFixed(2)} µs`,
        reference: `${small.toFixed(2)} µs at a tenth of both; log n would be x ${(Math.log2(10_000) / Math.log2(1_000)).toFixed(2)}, n x 10`,
        target: 'O(log n): at most x 3',
        holds: large / small <= 3,
      },
      {
        what: 'scaling decision, p99',
        value: `${quantile(decisions, 0.99).toFixed(3)} ms (p50 ${median(decisions).toFixed(3)})`,
        reference: '',
        target: '< 2 ms',
        holds: quantile(decisions, 0.99) < 2,
      },
    ];
    return figures;
  },
};
