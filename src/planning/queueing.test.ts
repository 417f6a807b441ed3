import { describe, expect, test } from 'vitest';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import { Draw } from './random.ts';
import { simulate } from './simulator.ts';
import type { TraceJob } from './trace.ts';

/** Share of the jobs that wait in M/M/c: Erlang's formula C, by the recursion of his formula B. `load` is arrival rate x mean service. */
function erlangC(load: number, servers: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (load * blocked) / (n + load * blocked);
  return blocked / (1 - (load / servers) * (1 - blocked));
}

/** Each job's wait when the server that is free first takes the next one (Kiefer and Wolfowitz 1955). */
function waits(jobs: readonly TraceJob[], servers: number): number[] {
  const freeAt = Array.from({ length: servers }, () => 0);
  return jobs.map(({ arrivalMs, serviceMs }) => {
    const first = freeAt.indexOf(Math.min(...freeAt));
    const startsAt = Math.max(arrivalMs, freeAt[first]!);
    freeAt[first] = startsAt + serviceMs;
    return startsAt - arrivalMs;
  });
}

/** Poisson arrivals and exponential service of a second on the mean, as jobs. */
function drawJobs(load: number, count: number, seed: number): TraceJob[] {
  const draw = new Draw(seed);
  const jobs: TraceJob[] = [];
  for (let at = 1; jobs.length < count;) {
    at += draw.exponential(1_000 / load);
    jobs.push({ arrivalMs: at, serviceMs: draw.exponential(1_000), model: '', user: null, workflow: '' });
  }
  return jobs;
}

describe.each([
  [0.7, 1],
  [4, 5],
  [8, 10],
])('M/M/c with load %d on %i containers', (load, servers) => {
  test('lets each job wait as long as the recursion says', () => {
    const jobs = drawJobs(load, 50_000, 11);
    // Containers are there from the first job on: starts of 0 s at time 0.
    const scaling = { ...defaultScaling, policy: 'fixed' as const, minContainers: servers };
    const { responsesMs } = simulate({
      source: { name: 'M/M/c', jobs },
      scaling,
      startMs: 0,
      horizonMs: null,
      periodMs: 100,
      slots: servers,
    });
    const expected = waits(jobs, servers);
    const apart = jobs.reduce((most, job, n) => Math.max(most, Math.abs(responsesMs[n]! - job.serviceMs - expected[n]!)), 0);
    expect(apart).toBeLessThan(0.001);
  });

  // The simulator itself, over as many jobs as a wait needs to come within 1 %, is in the benchmarks.
  test('the recursion lets as many wait as Erlang C says, within 1 %', () => {
    const jobs = drawJobs(load, 1_000_000, 12);
    // The load as it was drawn: chance in the means of the draws is none of the formula's.
    const drawn = jobs.reduce((sum, job) => sum + job.serviceMs, 0) / jobs.at(-1)!.arrivalMs;
    const waiting = waits(jobs, servers).filter((wait) => wait > 0.001).length / jobs.length;
    expect(Math.abs(waiting / erlangC(drawn, servers) - 1)).toBeLessThan(0.01);
  });
});

/**
 * Mean response (seconds) and throughput (per second) of the machine-repair model M/M/c//N: `users` who each pause exponentially and then
 * need one of `servers` for an exponential time. From the birth and death balance p(n+1)/p(n) = (N-n) service / (min(n+1, c) pause).
 */
function machineRepair({ users, servers, pause, service }: { users: number; servers: number; pause: number; service: number }) {
  const weights = [1];
  for (let n = 0; n < users; n++) weights.push((weights[n]! * (users - n) * service) / (Math.min(n + 1, servers) * pause));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const throughput = weights.reduce((rate, weight, n) => rate + (weight / sum) * (Math.min(n, servers) / service), 0);
  return { throughput, response: users / throughput - pause };
}

test.each([
  { users: 10, servers: 1, pause: 30, service: 3.5 },
  { users: 10, servers: 4, pause: 3, service: 3.5 },
  { users: 30, servers: 6, pause: 12, service: 3.5 },
])('the machine-repair model with $users users and $servers containers, within 1 %', (model) => {
  const seconds = 400_000;
  const { jobs, responsesMs } = simulate({
    source: {
      name: 'M/M/c//N',
      levels: [{ fromMs: 0, users: model.users, overMs: 0 }],
      endMs: seconds * 1000,
      pauseMs: (draw) => draw.exponential(model.pause * 1000),
      serviceMs: (draw) => draw.exponential(model.service * 1000),
      seed: 21,
    },
    scaling: { ...defaultScaling, policy: 'fixed', minContainers: model.servers },
    startMs: 0,
    horizonMs: null,
    periodMs: 100,
    slots: model.servers,
  });
  const expected = machineRepair(model);
  const response = responsesMs.reduce((sum, ms) => sum + ms, 0) / jobs.length / 1000;
  expect(Math.abs(response / expected.response - 1)).toBeLessThan(0.01);
  expect(Math.abs(jobs.length / seconds / expected.throughput - 1)).toBeLessThan(0.01);
});
