import type { Draw } from '../random.ts';
import { gammaIntervals, renewal, timer, type Intervals } from './renewal.ts';
import { collage, p95, type DrawnJob, type Workload } from './workload.ts';

/** Calls of one app a day: lognormal, here in powers of ten, so that 45 % of the apps have at most one an hour and 81 % at most one a minute. */
const decades = { mean: 1.6, deviation: 1.77, reach: 4 };
const apps = 40;
/** No timer of the data set fires more often. */
const shortestTimer = 60;

/** Many apps behind one deployment: few make nearly all the calls. */
export const azureFunctions: Workload = {
  what:
    'the sum of 40 apps whose rates are lognormal over eight decades (45 % at most 1/h, 81 % at most 1/min); each is with equal chance a timer ' +
    '(CV 0, at most 1/min), Poisson or in bursts (Gamma, CV 2 to 10), jobs of 3.5 s',
  source: 'Azure Functions traces of 2019 and 2021 (CC BY 4.0); the number of apps and the shares of the kinds are chosen',
  seconds: 14_400,
  slo: p95(8),
  startSeconds: [3],
  part: 'held-out',
  jobs: (draw, seconds) =>
    Array.from({ length: apps }, (_, app) => app).flatMap((app) =>
      renewal(draw, 0, seconds, intervalsOf(draw, 86_400 / callsPerDay(draw))).map((at): DrawnJob => ({
        at,
        service: collage(draw),
        user: `app-${app + 1}`,
      })),
    ),
};

/** Within eight decades around the median; what falls outside is drawn again. */
export function callsPerDay(draw: Draw): number {
  for (;;) {
    const away = decades.deviation * draw.normal();
    if (Math.abs(away) <= decades.reach) return 10 ** (decades.mean + away);
  }
}

function intervalsOf(draw: Draw, mean: number): Intervals {
  const kind = draw.uniform() * 3;
  if (kind < 1 && mean >= shortestTimer) return timer(mean);
  return gammaIntervals(mean, kind < 2 ? 1 : draw.between(2, 10));
}
