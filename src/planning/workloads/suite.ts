import { thinned, poisson } from './poisson.ts';
import { switching } from './switching.ts';
import { jobsAt, p95, type Workload } from './workload.ts';

const source = 'the reference suite of comfleet';

/** What policies are developed on. */
export const suite = {
  steady: {
    what: 'Poisson arrivals at 1.35/s, jobs of 3.5 s',
    source,
    seconds: 3_600,
    slo: p95(6),
    startSeconds: [20],
    part: 'in-sample',
    jobs: (draw, seconds) => jobsAt(poisson(draw, 0, seconds, 1.35), draw),
  },
  diurnal: {
    what: 'Poisson arrivals that rise from 0.1/s to 3/s and fall again within two hours, jobs of 3.5 s',
    source,
    seconds: 7_200,
    slo: p95(8),
    startSeconds: [20],
    part: 'in-sample',
    jobs: (draw, seconds) =>
      jobsAt(
        thinned(draw, seconds, 3, (at) => 0.1 + 2.9 * Math.sin((Math.PI * at) / 7_200) ** 2),
        draw,
      ),
  },
  bursty: {
    what: 'bursts of 2/s for a minute about every six minutes, 0.05/s between them, jobs of 3.5 s',
    source,
    seconds: 7_200,
    slo: p95(8),
    startSeconds: [20, 3],
    part: 'in-sample',
    jobs: (draw, seconds) =>
      jobsAt(
        switching(draw, seconds, [
          { rate: 0.05, mean: 300 },
          { rate: 2, mean: 60 },
        ]),
        draw,
      ),
  },
  sparse: {
    what: 'sessions of 0.5/s for half a minute about every 20 minutes, nothing between them, jobs of 3.5 s',
    source,
    seconds: 14_400,
    slo: p95(8),
    startSeconds: [20, 3],
    part: 'in-sample',
    jobs: (draw, seconds) =>
      jobsAt(
        switching(draw, seconds, [
          { rate: 0, mean: 1_200 },
          { rate: 0.5, mean: 30 },
        ]),
        draw,
      ),
  },
  diffusion: {
    what: 'bursts of 0.3/s for five minutes about every 20 minutes, 0.02/s between them, jobs of 29 s that vary much',
    source: 'the reference suite of comfleet; service times as in GenTD26 (see gentd26)',
    seconds: 7_200,
    slo: p95(75),
    startSeconds: [22],
    part: 'in-sample',
    jobs: (draw, seconds) =>
      jobsAt(
        switching(draw, seconds, [
          { rate: 0.02, mean: 900 },
          { rate: 0.3, mean: 300 },
        ]),
        draw,
        (draw) => draw.lognormal(28.9, 0.55),
      ),
  },
} as const satisfies Record<string, Workload>;
