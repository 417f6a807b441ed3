import type { Bench, Figure } from './lib/report.ts';
import { decisionFigures } from './lib/decisions.ts';
import { addReady, begin, emptyPool, end, job } from './lib/pool.ts';
import { median } from './lib/statistics.ts';

const rounds = 20_000;

/** Microseconds per event over `rounds` cycles of: a job arrives, is bound, and a job ends. */
function eventCost(containers: number, queued: number): number {
  const { subject } = emptyPool();
  addReady(subject, containers);
  for (let n = 0; n < queued; n++) subject.dispatcher.queue.add(job(n));
  const bound: string[] = [];
  for (let next = subject.dispatcher.next(0, 1); next; next = subject.dispatcher.next(0, 1)) {
    bound.push(next.container);
    begin(subject, next.container, 0);
  }
  const startedAt = process.hrtime.bigint();
  for (let n = 0; n < rounds; n++) {
    subject.dispatcher.queue.add(job(queued + n));
    const id = bound[n % bound.length]!;
    subject.dispatcher.jobEnded(id, n);
    end(subject, id, n);
    const next = subject.dispatcher.next(n, 1)!;
    begin(subject, next.container, n, next.job.modelKey);
  }
  return Number(process.hrtime.bigint() - startedAt) / 1_000 / rounds / 3;
}

export const scalingBench: Bench = {
  name: 'scaling',
  what: 'cost of an event and of a decision with 1,000 containers and 10,000 queued jobs',
  async run() {
    eventCost(100, 1_000);
    const small = median(Array.from({ length: 5 }, () => eventCost(100, 1_000)));
    const large = median(Array.from({ length: 5 }, () => eventCost(1_000, 10_000)));
    const figures: Figure[] = [
      {
        what: 'event, 1,000 containers and 10,000 jobs',
        value: `${large.toFixed(2)} µs`,
        reference: `${small.toFixed(2)} µs at a tenth of both; log n would be x ${(Math.log2(10_000) / Math.log2(1_000)).toFixed(2)}, n x 10`,
        target: 'O(log n): at most x 3',
        holds: large / small <= 3,
      },
      ...decisionFigures(),
    ];
    return figures;
  },
};
