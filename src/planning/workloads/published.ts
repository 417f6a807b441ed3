import type { Draw } from '../random.ts';
import { azureFunctions } from './azure-functions.ts';
import { gentd26, gentd26Busy } from './gentd26.ts';
import { poisson, thinned } from './poisson.ts';
import { scaled, zipf } from './popularity.ts';
import { gammaIntervals, renewal, weibullIntervals } from './renewal.ts';
import { stays } from './switching.ts';
import { collage, jobsAt, p95, type DrawnJob, type Workload } from './workload.ts';

const hour = 3_600;
const day = 86_400;

/** Shapes of traffic that others have recorded and described. */
export const published = {
  gentd26,
  'gentd26-busy': gentd26Busy,
  'azure-functions': azureFunctions,
  'azure-code': {
    what:
      'on for 15 s and off for 45 s on the mean; a rate of its own each time that it is on, lognormal about 9.8/s with CV 0.5, ' +
      'so 2.45/s in all, jobs of 3.5 s',
    source:
      'Azure LLM inference 2023, code (CC BY 4.0): 8 819 calls in an hour, intervals with CV 13.2, the busiest 10 s at 12.8 times the mean, ' +
      'index of dispersion 71 (10 s) and 161 (60 s)',
    seconds: hour,
    slo: p95(8),
    startSeconds: [3],
    part: 'held-out',
    jobs: (draw, seconds) => jobsAt(onAndOff(draw, seconds), draw),
  },
  'azure-conversation': {
    what: 'Poisson arrivals at 5.38/s that drift by a third up and down within an hour, jobs of 3.5 s',
    source:
      'Azure LLM inference 2023, conversation (CC BY 4.0): 19 366 calls in an hour, intervals with CV 1.09, the busiest 10 s at 1.8 times the ' +
      'mean, index of dispersion 4.0 (10 s)',
    seconds: hour,
    slo: p95(8),
    startSeconds: [20],
    part: 'seen',
    jobs: (draw, seconds) => {
      const phase = draw.uniform();
      const rate = (at: number): number => 5.38 * (1 + Math.sin(2 * Math.PI * (at / hour + phase)) / 3);
      return jobsAt(thinned(draw, seconds, (5.38 * 4) / 3, rate), draw);
    },
  },
  weekly: {
    what: 'a week of Poisson arrivals from 0.05/s at night to 0.4/s at noon, half of that on Saturday and Sunday, jobs of 3.5 s',
    source: 'the daily and weekly pattern of Azure LLM inference 2024 (CC BY 4.0); the figures are chosen',
    seconds: 7 * day,
    slo: p95(8),
    startSeconds: [20],
    part: 'held-out',
    jobs: (draw, seconds) => jobsAt(thinned(draw, seconds, 0.4, weeklyRate), draw),
  },
  burstgpt: {
    what:
      'a day of Gamma intervals whose CV is drawn from 1 to 5 anew every 20 minutes, at 0.56/s on the mean, 65 % more at noon and less at ' +
      'night, jobs of 3.5 s',
    source: 'BurstGPT (CC BY 4.0): 10.31 million requests in 213 days, Gamma intervals that vary by the hour; the daily swing is chosen',
    seconds: day,
    slo: p95(8),
    startSeconds: [3],
    part: 'held-out',
    jobs: (draw, seconds) => jobsAt(gammaByWindow(draw, seconds), draw),
  },
  servegen: {
    what:
      'the sum of 100 clients, 1.5/s in all, their shares falling with rank to the power 1.2; each with Gamma or Weibull intervals of CV 0.5 ' +
      'to 4, every other one on for 5 minutes and off for 15 on the mean, jobs of 3.5 s',
    source: 'the method of ServeGen (NSDI 2026): per client, a few clients cause the bursts; the figures are chosen',
    seconds: 2 * hour,
    slo: p95(8),
    startSeconds: [3],
    part: 'seen',
    jobs: (draw, seconds) =>
      scaled(zipf(1, 100, 1.2), 1.5).flatMap((rate, client) =>
        clientArrivals(draw, seconds, rate, client % 2 === 1).map((at): DrawnJob => ({
          at,
          service: collage(draw),
          user: `client-${client + 1}`,
        })),
      ),
  },
} as const satisfies Record<string, Workload>;

const onAndOff = (draw: Draw, seconds: number): number[] =>
  [...stays(draw, seconds, [{ mean: 45 }, { mean: 15, rate: 9.8 }])].flatMap(({ state, from, to }) =>
    state.rate === undefined ? [] : poisson(draw, from, to, draw.lognormal(state.rate, 0.5)),
  );

/** From a Monday at midnight on. */
function weeklyRate(at: number): number {
  const weekend = Math.floor(at / day) % 7 >= 5;
  return (weekend ? 0.5 : 1) * (0.05 + 0.35 * Math.sin((Math.PI * at) / day) ** 2);
}

function gammaByWindow(draw: Draw, seconds: number): number[] {
  const arrivals: number[] = [];
  for (let from = 0; from < seconds; from += 1_200) {
    const rate = 0.56 * (1 - 0.65 * Math.cos((2 * Math.PI * from) / day));
    for (const at of renewal(draw, from, Math.min(seconds, from + 1_200), gammaIntervals(1 / rate, draw.between(1, 5)))) arrivals.push(at);
  }
  return arrivals;
}

const on = { mean: 300, on: true };
const off = { mean: 900, on: false };

/** One client's; one that `pauses` sends four times as much while it is on, so that its mean is `rate`, too. */
function clientArrivals(draw: Draw, seconds: number, rate: number, pauses: boolean): number[] {
  const kind = draw.uniform() < 0.5 ? gammaIntervals : weibullIntervals;
  const intervals = kind(1 / (pauses ? 4 * rate : rate), draw.between(0.5, 4));
  if (!pauses) return renewal(draw, 0, seconds, intervals);
  const states = draw.uniform() < 0.25 ? [on, off] : [off, on];
  return [...stays(draw, seconds, states)].flatMap(({ state, from, to }) => (state.on ? renewal(draw, from, to, intervals) : []));
}
