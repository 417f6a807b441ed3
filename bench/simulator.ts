import { createHash } from 'node:crypto';
import { defaultScaling, policyNames, type PolicyName } from '../src/fleet/scaling/settings.ts';
import { erlangC } from '../src/fleet/scaling/slo/loss.ts';
import type { ClosedLoop } from '../src/planning/closed-loop.ts';
import { Draw } from '../src/planning/random.ts';
import { simulate, type SimulationOutcome } from '../src/planning/simulator.ts';
import type { Trace, TraceJob } from '../src/planning/trace.ts';
import { drawTrace } from '../src/planning/workloads.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const rounds = 5;
const world = { startMs: 20_000, horizonMs: null, periodMs: 100, slots: 10_000 };

const run = (source: Trace | ClosedLoop, policy: PolicyName): { outcome: SimulationOutcome; seconds: number } => {
  const begun = performance.now();
  const outcome = simulate({ ...world, source, scaling: { ...defaultScaling, policy } });
  return { outcome, seconds: (performance.now() - begun) / 1000 };
};

/** Events per second of each policy, all in turn in each round, so that whatever else the machine does meets all. */
function speeds(): Map<PolicyName, number> {
  const trace = drawTrace('diurnal', 1);
  const rates = new Map<PolicyName, number[]>(policyNames.map((policy) => [policy, []]));
  for (const policy of policyNames) run(trace, policy);
  for (let round = 0; round < rounds; round++) {
    for (const policy of policyNames) {
      const { outcome, seconds } = run(trace, policy);
      rates.get(policy)!.push(outcome.events / seconds);
    }
  }
  return new Map([...rates].map(([policy, list]) => [policy, median(list)]));
}

/** The article's 100 users over a day. */
const day: ClosedLoop = {
  name: 'a day of 100 users',
  levels: [{ fromMs: 0, users: 100, overMs: 0 }],
  endMs: 86_400_000,
  pauseMs: (draw) => Math.round(draw.between(1, 5) * 1000),
  serviceMs: () => 3_500,
  seed: 1,
};

const digest = ({ responsesMs, gpuSeconds }: SimulationOutcome): string =>
  createHash('sha256').update(Buffer.from(responsesMs.buffer)).update(JSON.stringify(gpuSeconds)).digest('hex');

/** Mean wait of M/M/c on so many containers by the simulator, over what Erlang's formula C says for the load as it was drawn. */
function waitOverErlang(load: number, servers: number, count: number): number {
  const draw = new Draw(5);
  const jobs: TraceJob[] = [];
  let [at, service] = [1, 0];
  while (jobs.length < count) {
    at += draw.exponential(1_000 / load);
    const serviceMs = draw.exponential(1_000);
    service += serviceMs;
    jobs.push({ arrivalMs: at, serviceMs, model: '', user: null, workflow: '' });
  }
  const scaling = { ...defaultScaling, policy: 'fixed' as const, minContainers: servers };
  const { responsesMs } = simulate({ ...world, startMs: 0, slots: servers, source: { name: 'M/M/c', jobs }, scaling });
  const waited = jobs.reduce((sum, job, n) => sum + responsesMs[n]! - job.serviceMs, 0) / count;
  const [mean, drawn] = [service / count, service / at];
  return waited / ((erlangC(drawn, servers) * mean) / (servers - drawn));
}

const thousand = (rate: number): string => `${Math.round(rate / 1000)}k`;

export const simulatorBench: Bench = {
  name: 'simulator',
  what: 'events per second, the same seed to the same bytes, a day of 100 users; M/M/c (with --full)',
  run({ say, full }) {
    const rates = speeds();
    say([...rates].map(([policy, rate]) => `${policy} ${thousand(rate)}`).join(', '));
    const [slowest, rate] = [...rates].toSorted((a, b) => a[1] - b[1])[0]!;
    const runs = ['slo', 'per-input'].map((policy) => ({ policy, first: run(day, policy as PolicyName) }));
    const trace = drawTrace('bursty', 3);
    const same = digest(run(trace, 'slo').outcome) === digest(run(drawTrace('bursty', 3), 'slo').outcome);
    const figures: Figure[] = [
      {
        what: 'events per second on one core, workload diurnal, median of five rounds',
        value: `${thousand(rate)} by policy ${slowest}, the slowest`,
        reference: [...rates].map(([policy, one]) => `${policy} ${thousand(one)}`).join(', '),
        target: '>= 500k',
        holds: rate >= 500_000,
      },
      {
        what: 'a day of 100 users',
        value: runs.map(({ policy, first }) => `${first.seconds.toFixed(1)} s by ${policy}`).join(', '),
        reference: `${(runs[0]!.first.outcome.events / 1e6).toFixed(1)} million events, ${runs[0]!.first.outcome.jobs.length} jobs`,
        target: '< 10 s',
        holds: runs.every(({ first }) => first.seconds < 10),
      },
      { what: 'the same seed twice', value: same ? 'the same bytes' : 'other bytes', reference: '', target: 'the same bytes', holds: same },
    ];
    if (full) {
      for (const [load, servers] of [
        [0.5, 1],
        [2.5, 5],
        [6, 10],
      ] as const) {
        const ratio = waitOverErlang(load, servers, 4_000_000);
        figures.push({
          what: `M/M/${servers} with load ${load}: mean wait of 4 million jobs`,
          value: `${(100 * (ratio - 1)).toFixed(2)} % apart`,
          reference: 'Erlang C',
          target: 'within 1 %',
          holds: Math.abs(ratio - 1) <= 0.01,
        });
      }
    }
    return Promise.resolve(figures);
  },
};
