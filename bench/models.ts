import { drawTrace } from '../src/planning/workloads.ts';
import { baseModelLoadSeconds } from '../src/planning/workloads/model-loads.ts';
import { Draw } from '../src/planning/random.ts';
import { simulate } from '../src/planning/simulator.ts';
import { defaultScaling } from '../src/fleet/scaling/settings.ts';
import type { Trace } from '../src/planning/trace.ts';
import type { Bench } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const containers = 6;
const seeds = [1, 2, 3, 4, 5];

/** Seconds that the workload's models take to load. */
const loadSeconds = baseModelLoadSeconds;

/** Share of the jobs that had to load their model in place of another one, and the mean response in seconds. */
interface Routed {
  readonly switches: number;
  readonly meanSeconds: number;
}

function byAffinity(trace: Trace, seed: number): Routed {
  const { jobs, responsesMs, modelSwitches } = simulate({
    source: trace,
    scaling: { ...defaultScaling, policy: 'fixed', minContainers: containers },
    startMs: 0,
    loadMs: (draw) => 1000 * loadSeconds(draw),
    seed,
    horizonMs: null,
    periodMs: 100,
    slots: containers,
  });
  return { switches: modelSwitches / jobs.length, meanSeconds: responsesMs.reduce((sum, ms) => sum + ms, 0) / jobs.length / 1000 };
}

/** First come, first served, each job by any container that is free, whatever it holds: what a load balancer without models does. */
function atRandom(trace: Trace, seed: number): Routed {
  const [choice, loads] = [new Draw(seed), new Draw(seed + 1_000)];
  const places = Array.from({ length: containers }, () => ({ freeAt: 0, model: '' }));
  let [switches, total] = [0, 0];
  for (const { arrivalMs, serviceMs, model } of trace.jobs) {
    const at = Math.max(arrivalMs, Math.min(...places.map(({ freeAt }) => freeAt)));
    const free = places.filter(({ freeAt }) => freeAt <= at);
    const place = free[Math.floor(choice.uniform() * free.length)]!;
    const load = place.model === model ? 0 : 1000 * loadSeconds(loads);
    if (load > 0 && place.model !== '') switches++;
    place.model = model;
    place.freeAt = at + load + serviceMs;
    total += place.freeAt - arrivalMs;
  }
  return { switches: switches / trace.jobs.length, meanSeconds: total / trace.jobs.length / 1000 };
}

export const modelsBench: Bench = {
  name: 'models',
  what: 'how often jobs find other models on their container than they need',
  run({ say }) {
    const runs = seeds.map((seed) => {
      const trace = drawTrace('gentd26', seed);
      say(`seed ${seed}: ${trace.jobs.length} jobs`);
      return { affinity: byAffinity(trace, seed), random: atRandom(trace, seed) };
    });
    const of = (kind: 'affinity' | 'random', what: keyof Routed): number => median(runs.map((run) => run[kind][what]));
    const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
    const all = (kind: 'affinity' | 'random'): string =>
      `${percent(of(kind, 'switches'))} of the jobs (${runs.map((run) => (run[kind].switches * 100).toFixed(1)).join(', ')}), mean response ${of(kind, 'meanSeconds').toFixed(1)} s`;
    return Promise.resolve([
      {
        what: `model switches, workload gentd26 (simulated), ${containers} containers that hold one model each, ${seeds.length} seeds`,
        value: all('affinity'),
        reference: `any free container: ${all('random')}`,
        target: '<= 40 %, aim 33 %, against about 75 %',
        holds: of('affinity', 'switches') <= 0.4,
      },
    ]);
  },
};
