import { expect, test } from 'vitest';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import { Draw } from './random.ts';
import { simulate } from './simulator.ts';

/** Against closed forms of queueing theory. Seeds are fixed; the runs are long enough that chance stays well below the limit of 1 %. */

/** Mean wait of M/M/c by Erlang's formula C, in units of the mean service time. Source: any text on queueing; here by the recursion of Erlang B. */
function erlangWait(load: number, servers: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (load * blocked) / (n + load * blocked);
  const waits = blocked / (1 - (load / servers) * (1 - blocked));
  return waits / (servers - load);
}

test.each([
  [0.7, 1],
  [4, 5],
  [8.5, 10],
])('M/M/c with load %d on %i containers waits as Erlang C says', (load, servers) => {
  const draw = new Draw(11);
  const serviceMs = 1_000;
  const jobs: { arrivalMs: number; serviceMs: number; model: string; user: null; workflow: string }[] = [];
  // Containers are there from the first job on: starts of 0 s at time 0.
  for (let at = 1, n = 0; n < 1_500_000; n++) {
    at += draw.exponential(serviceMs / load);
    jobs.push({ arrivalMs: at, serviceMs: draw.exponential(serviceMs), model: '', user: null, workflow: '' });
  }
  const scaling = { ...defaultScaling, policy: 'fixed' as const, minContainers: servers };
  const { responsesMs } = simulate({ trace: { name: 'M/M/c', jobs }, scaling, startMs: 0, horizonMs: null, periodMs: 100, slots: servers });
  const waited = jobs.reduce((sum, job, index) => sum + responsesMs[index]! - job.serviceMs, 0) / jobs.length;
  expect(waited / serviceMs / erlangWait(load, servers)).toBeGreaterThan(0.99);
  expect(waited / serviceMs / erlangWait(load, servers)).toBeLessThan(1.01);
});
