import type { Draw } from '../random.ts';
import { baseModelLoadSeconds } from './model-loads.ts';
import { poisson, thinned } from './poisson.ts';
import { switching } from './switching.ts';
import { collage, jobsAt, p95, type DrawnJob, type Workload } from './workload.ts';

const start = 20;
/** The idle window that many platforms have by default. */
const idleWindow = 60;

const common = { source: 'made by hand', seconds: 600, slo: p95(8), startSeconds: [start], part: 'held-out' } as const;

/** What hurts most, ten minutes each. */
export const adversarial = {
  'flash-crowd': {
    ...common,
    part: 'seen',
    what: 'Poisson arrivals at 0.3/s that become ten times as many within one second after five minutes and stay so, jobs of 3.5 s',
    startSeconds: [3],
    jobs: (draw, seconds) =>
      jobsAt(
        thinned(draw, seconds, 3, (at) => 0.3 + 2.7 * Math.min(1, Math.max(0, at - 300))),
        draw,
      ),
  },
  'square-wave': {
    ...common,
    part: 'seen',
    what: 'Poisson arrivals at 2/s for half a period and none for the other, each period 0.8 to 1.2 times the 20 s of a start, jobs of 3.5 s',
    jobs: (draw, seconds) => jobsAt(squareWave(draw, seconds), draw),
  },
  'ski-rental': {
    ...common,
    what:
      'four jobs of 3.5 s at once, the next four when containers that were started for the last ones have been idle for up to 2 s more than ' +
      'either a window of 60 s or the 20 s of a start',
    jobs: skiRental,
  },
  'all-distinct-models': {
    ...common,
    part: 'seen',
    what: 'Poisson arrivals at 0.3/s, jobs of 3.5 s, no two of which need the same base model',
    slo: p95(75),
    startSeconds: [22],
    modelLoadSeconds: baseModelLoadSeconds,
    jobs: (draw, seconds) => jobsAt(poisson(draw, 0, seconds, 0.3), draw).map((job, index) => ({ ...job, model: `base-${index + 1}` })),
  },
  stragglers: {
    ...common,
    part: 'seen',
    what: 'Poisson arrivals at 1/s, jobs of 3.5 s, one in 50 of which takes ten times as long',
    jobs: (draw, seconds) => jobsAt(poisson(draw, 0, seconds, 1), draw, (draw) => (draw.uniform() < 0.02 ? 10 : 1) * collage(draw)),
  },
  crashes: {
    ...common,
    what: 'Poisson arrivals at 1/s, jobs of 3.5 s, one in 100 of which takes its container down',
    faults: { crashPerJob: 0.01 },
    jobs: (draw, seconds) => jobsAt(poisson(draw, 0, seconds, 1), draw),
  },
  'failed-starts': {
    ...common,
    what: 'bursts of 2/s for half a minute about every two minutes, 0.05/s between them, jobs of 3.5 s; one start in 20 fails',
    startSeconds: [3],
    faults: { failedStarts: 0.05 },
    jobs: (draw, seconds) =>
      jobsAt(
        switching(draw, seconds, [
          { rate: 0.05, mean: 100 },
          { rate: 2, mean: 30 },
        ]),
        draw,
      ),
  },
} as const satisfies Record<string, Workload>;

function squareWave(draw: Draw, seconds: number): number[] {
  const arrivals: number[] = [];
  for (let from = 0; from < seconds;) {
    const period = start * draw.between(0.8, 1.2);
    for (const at of poisson(draw, from, Math.min(seconds, from + period / 2), 2)) arrivals.push(at);
    from += period;
  }
  return arrivals;
}

/** Whoever keeps containers a little too short pays for their idle time and for their next start. */
function skiRental(draw: Draw, seconds: number): DrawnJob[] {
  const jobs: DrawnJob[] = [];
  for (let at = draw.uniform(); at < seconds;) {
    const four = Array.from({ length: 4 }, () => collage(draw));
    for (const service of four) jobs.push({ at, service });
    const idle = (draw.uniform() < 0.5 ? idleWindow : start) + draw.between(0.1, 2);
    at += start + Math.max(...four) + idle;
  }
  return jobs;
}
