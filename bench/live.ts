import { join } from 'node:path';
import type { PolicyName } from '../src/fleet/scaling/settings.ts';
import { defaultScaling } from '../src/fleet/scaling/settings.ts';
import { Draw } from '../src/planning/random.ts';
import { simulate } from '../src/planning/simulator.ts';
import type { Trace } from '../src/planning/trace.ts';
import { startGateway } from '../src/cli/child-gateway.ts';
import { temporaryFolder, writeSetting } from './lib/gateway.ts';
import { failed, load, why } from './lib/load.ts';
import type { Bench, Figure } from './lib/report.ts';
import { quantile } from './lib/statistics.ts';

/** As in profile a10g-collage: on the GPU, outside it (half before, half after), a start; seconds. */
const timing = { service: 3.5, outside: 0.9, start: 15.5 };
/** Accounts of both end then, seconds: everything is answered and most containers have gone. */
const horizon = 240;
const tolerance = 0.05;
/** Policies with ticks have them at whole multiples of theirs (2 s here): live, the trace begins with one, as virtual time does. */
const phaseMs = 2_000;

/** Arrivals of three minutes, twice as fast in the middle one, seeded. */
function trace(): Trace {
  const draw = new Draw(4);
  const jobs = [];
  for (let at = draw.exponential(1); at < 180; at += draw.exponential(at > 60 && at < 120 ? 0.5 : 1)) {
    jobs.push({ arrivalMs: Math.round(at * 1000), serviceMs: timing.service * 1000, model: '', user: null, workflow: '' });
  }
  return { name: 'three minutes', jobs };
}

interface Outcome {
  readonly p50: number;
  readonly p95: number;
  readonly gpuSeconds: number;
}

function simulated(source: Trace, policy: PolicyName): Outcome {
  const half = timing.outside * 500;
  const { responsesMs, gpuSeconds } = simulate({
    source,
    scaling: { ...defaultScaling, policy },
    startMs: timing.start * 1000,
    outsideMs: { before: half, after: half },
    prior: { serviceSeconds: timing.service, outsideSeconds: timing.outside },
    horizonMs: horizon * 1000,
    periodMs: 100,
    slots: 100,
  });
  const seconds = [...responsesMs].map((ms) => ms / 1000);
  return { p50: quantile(seconds, 0.5), p95: quantile(seconds, 0.95), gpuSeconds: gpuSeconds.total };
}

/** The same trace on emulated containers, in real time. */
async function live({ jobs }: Trace, policy: PolicyName): Promise<Outcome> {
  const folder = temporaryFolder();
  const profile = { start: timing.start, execute: timing.service, outside: timing.outside };
  const args = writeSetting({ folder, profile, workflow: 'sampler', capacity: 100, scaling: { policy } });
  const gateway = await startGateway({ args, dataDir: join(folder, 'data') });
  const begun = Math.ceil(Date.now() / phaseMs) * phaseMs;
  await until(begun);
  const atMs = jobs.map(({ arrivalMs }) => arrivalMs);
  const result = await load({ kind: 'simple', urls: [gateway.url], pacing: { atMs }, jobs: jobs.length, prompts: ['a regal phoenix'] });
  if (failed(result) > 0) throw new Error(why(result));
  await until(begun + horizon * 1000);
  const answer = await fetch(`${gateway.url}/fleet/v1/containers?alive=false&limit=1000`);
  const { items } = (await answer.json()) as { items: { started_at: string; stopped_at: string | null }[] };
  const lived = items.map(({ started_at, stopped_at }) => (stopped_at ? Date.parse(stopped_at) : Date.now()) - Date.parse(started_at));
  await gateway.stop();
  const seconds = result.answers.map(({ ms }) => ms / 1000);
  return { p50: quantile(seconds, 0.5), p95: quantile(seconds, 0.95), gpuSeconds: lived.reduce((sum, ms) => sum + ms, 0) / 1000 };
}

const until = (at: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, at - Date.now()));

const words = ({ p50, p95, gpuSeconds }: Outcome): string =>
  `p50 ${p50.toFixed(2)} s, p95 ${p95.toFixed(2)} s, ${gpuSeconds.toFixed(0)} GPU-seconds`;

function figure(policy: PolicyName, real: Outcome, foretold: Outcome): Figure {
  const apart = (['p50', 'p95', 'gpuSeconds'] as const).map((key) => real[key] / foretold[key] - 1);
  return {
    what: `policy ${policy}: live on emulated containers against simulated, the same trace`,
    value: `live ${words(real)}`,
    reference: `simulated ${words(foretold)}: ${apart.map((share) => `${(share * 100).toFixed(1)} %`).join(', ')} apart`,
    target: 'each within 5 %',
    holds: apart.every((share) => Math.abs(share) <= tolerance),
  };
}

export const liveBench: Bench = {
  name: 'live',
  what: 'a trace on emulated containers in real time, beside what the simulator says of it (with --full)',
  async run({ say, full }) {
    if (!full) return [];
    const source = trace();
    const kinds: PolicyName[] = ['slo', 'per-input', 'concurrency'];
    say(`${source.jobs.length} jobs by each of ${kinds.join(', ')} at the same time, ${horizon} s`);
    const real = await Promise.all(kinds.map((policy) => live(source, policy)));
    return kinds.map((policy, n) => figure(policy, real[n] as Outcome, simulated(source, policy)));
  },
};
