import type { Draw } from '../random.ts';
import { baseModelLoadSeconds } from './model-loads.ts';
import { poisson, thinned } from './poisson.ts';
import { chooser, scaled, zipf } from './popularity.ts';
import { switching } from './switching.ts';
import { collage, jobsAt, p95, type DrawnJob, type Workload } from './workload.ts';

const hour = 3_600;

const common = { source: 'made by hand', startSeconds: [20], part: 'held-out' } as const;

/** APIs over ComfyUI as one might run them. Written when results on all other workloads had been seen, and before any policy was run on these. */
export const heldOut = {
  tenants: {
    ...common,
    what:
      '30 callers, 0.8/s in all, their shares falling with rank to the power 1; every fifth sends batches of 1 to 20 jobs at once, the others ' +
      'single jobs, all at Poisson times, jobs of 3.5 s',
    seconds: 2 * hour,
    slo: p95(8),
    jobs: (draw, seconds) => scaled(zipf(1, 30, 1), 0.8).flatMap((rate, caller) => jobsOfCaller(draw, seconds, rate, caller + 1)),
  },
  checkpoints: {
    ...common,
    what:
      "Poisson arrivals that rise from 0.02/s to 0.25/s and fall again within six hours, jobs of 12 s (CV 0.4), a quarter of them upscale's " +
      'of twice that, for 12 base models whose shares fall with rank to the power 1',
    source: 'made by hand; loads of base models as in GenTD26 (see gentd26)',
    seconds: 6 * hour,
    slo: p95(60),
    startSeconds: [22],
    modelLoadSeconds: baseModelLoadSeconds,
    jobs: (draw, seconds) =>
      thinned(draw, seconds, 0.25, (at) => 0.02 + 0.23 * Math.sin((Math.PI * at) / (6 * hour)) ** 2).map((at): DrawnJob => {
        const workflow = draw.uniform() < 0.25 ? 'upscale' : 'text-to-image';
        const service = draw.lognormal(workflow === 'upscale' ? 24 : 12, 0.4);
        return { at, service, workflow, model: `base-${chooseModel(draw) + 1}` };
      }),
  },
  office: {
    ...common,
    what:
      'a working day of Poisson arrivals whose rate changes evenly from 0.05/s at 0 h to 1 at 1 h, 1.2 at 2 h, 0.8 at 3.5 h, 0.3 from 4 to ' +
      '4.5 h, 0.75 from 5 to 6 h and 0.05 at 8 h, jobs of 3.5 s',
    seconds: 8 * hour,
    slo: p95(8),
    jobs: (draw, seconds) => jobsAt(thinned(draw, seconds, 1.2, officeRate), draw),
  },
  launch: {
    ...common,
    what: 'Poisson arrivals at 0.2/s that jump to 4/s after 15 minutes and fall back exponentially with a time constant of 10 minutes, jobs of 3.5 s',
    seconds: hour,
    slo: p95(10),
    jobs: (draw, seconds) =>
      jobsAt(
        thinned(draw, seconds, 4, (at) => 0.2 + (at < 900 ? 0 : 3.8 * Math.exp((900 - at) / 600))),
        draw,
      ),
  },
  video: {
    ...common,
    what: 'bursts of 0.05/s for ten minutes about every half hour, 0.005/s between them, jobs of 180 s (CV 0.3)',
    seconds: 6 * hour,
    slo: p95(480),
    startSeconds: [60],
    jobs: (draw, seconds) =>
      jobsAt(
        switching(draw, seconds, [
          { rate: 0.005, mean: 1_200 },
          { rate: 0.05, mean: 600 },
        ]),
        draw,
        (draw) => draw.lognormal(180, 0.3),
      ),
  },
} as const satisfies Record<string, Workload>;

const chooseModel = chooser(zipf(1, 12, 1));

const mostAtOnce = 20;

function jobsOfCaller(draw: Draw, seconds: number, rate: number, rank: number): DrawnJob[] {
  const user = `caller-${rank}`;
  const batches = rank % 5 === 0;
  const times = poisson(draw, 0, seconds, batches ? rate / ((1 + mostAtOnce) / 2) : rate);
  return times.flatMap((at) =>
    Array.from({ length: batches ? Math.ceil(mostAtOnce * (1 - draw.uniform())) : 1 }, (): DrawnJob => ({
      at,
      service: collage(draw),
      user,
    })),
  );
}

/** Hours since the day began, and the rate per second then; between them it changes evenly. */
const officeHours: readonly (readonly [number, number])[] = [
  [0, 0.05],
  [1, 1],
  [2, 1.2],
  [3.5, 0.8],
  [4, 0.3],
  [4.5, 0.3],
  [5, 0.75],
  [6, 0.75],
  [8, 0.05],
];

function officeRate(at: number): number {
  const next = officeHours.findIndex(([until]) => until * hour > at);
  const [from, before] = officeHours[next - 1] as [number, number];
  const [until, after] = officeHours[next] as [number, number];
  return before + ((after - before) * (at / hour - from)) / (until - from);
}
