import type { Draw } from '../random.ts';
import { baseModelLoadSeconds } from './model-loads.ts';
import { stepwise } from './poisson.ts';
import { chooser, fashion, scaled, zipf } from './popularity.ts';
import { p95, type DrawnJob, type Workload } from './workload.ts';

/**
 * Stable Diffusion in production, drawn with the parameters of GenTD26's request trace (alibaba/clusterdata): 26 823 requests in 23 days.
 * Its rows state no licence and are not used.
 */

const perHour = 48.5;
/** Factors of the rate by the hour of the trace's clock. */
const hours = [
  3.43, 0.98, 1.05, 1.08, 0.6, 0.32, 0.3, 0.23, 0.11, 0.04, 0.03, 0, 0, 0, 0, 0.04, 0.57, 2.1, 2.48, 0.56, 0.98, 2.97, 2.97, 3.16,
];
/** Monday to Sunday. */
const weekdays = [0.96, 1.32, 1.23, 1.58, 0.85, 0.31, 0.75];
/** What hours and weekdays leave unexplained: Gamma factors of mean 1 that hold for a while, fitted to the published dispersion of the counts. */
const surge = { seconds: 1_200, shape: 1.7 };

/** Requests of the twelve base models that are asked for most, and of all 87; the others fall with rank by the published slope. */
const topModels = [8234, 4012, 2511, 2114, 2016, 1147, 961, 815, 719, 712, 576, 233];
const requests = 26_823;
const models = scaled([...topModels, ...scaled(zipf(13, 87, 2.2), requests - topModels.reduce((sum, count) => sum + count, 0))], 1);

/**
 * Two requests in a row are for the same model with probability 0.253, where independent ones would be with 0.144. Here that holds for any two
 * of an hour: each hour has its fashion. (A random one of 6 workers had the wrong model for 74.7 % of the trace's requests, that is 1 - 0.253
 * though some requests lie between two of a worker.)
 */
const fashionSeconds = 3_600;
const alike = (0.253 - 0.144) / (1 - 0.144);

/** The 50 of 4 247 users that ask most make 29.5 % of the requests. Users and models are drawn independently: nothing is published on both. */
const chooseUser = chooser(zipf(1, 4_247, 0.8));

/** Median seconds as recorded: 21, with a LoRA 49, which 17 % have; together about lognormal with mu 3.196 and sigma 0.549. */
const withLora = 0.17;
const recordedMedian = { plain: 21, lora: 49 };
const sigma = 0.45;
/** Of the recorded time the share without loading: an assumption, since the trace does not tell. Loading is the simulator's. */
const running = 0.6;

/** The requests of `seconds` from a Monday at 0 h on, at `load` times the rate of the trace. */
export function gentd26Jobs(draw: Draw, seconds: number, load: number): DrawnJob[] {
  const arrivals = stepwise(draw, seconds, surge.seconds, (at) => load * rateAt(at) * (draw.gamma(surge.shape) / surge.shape));
  const chooseModel = Array.from({ length: Math.ceil(seconds / fashionSeconds) }, () => chooser(fashion(draw, models, alike)));
  return arrivals.map((at) => {
    const workflow = draw.uniform() < withLora ? 'lora' : 'plain';
    const recorded = recordedMedian[workflow] * Math.exp(sigma * draw.normal());
    const model = (chooseModel[Math.floor(at / fashionSeconds)] as (draw: Draw) => number)(draw);
    return { at, service: running * recorded, model: `base-${model + 1}`, user: `user-${chooseUser(draw) + 1}`, workflow };
  });
}

const rateAt = (at: number): number =>
  (perHour / 3_600) * (hours[Math.floor(at / 3_600) % 24] as number) * (weekdays[Math.floor(at / 86_400) % 7] as number);

const shape =
  'Poisson arrivals by hour and weekday with surges (Gamma factors of 20 minutes), 87 base models that go in and out of fashion, 17 % of the jobs with a LoRA, ' +
  'run times without loading of 0.6 x the recorded ones (an assumption; median 13 s, with a LoRA 29 s)';
const source = 'GenTD26 lora_request_trace (alibaba/clusterdata, 2026; no licence stated, so parameters only)';

export const gentd26: Workload = {
  what: `diffusion requests at a mean of 48.5 an hour, three days from a Monday on: ${shape}`,
  source,
  seconds: 3 * 86_400,
  slo: p95(75),
  startSeconds: [22],
  part: 'seen',
  modelLoadSeconds: baseModelLoadSeconds,
  jobs: (draw, seconds) => gentd26Jobs(draw, seconds, 1),
};

export const gentd26Busy: Workload = {
  ...gentd26,
  what: 'gentd26 at four times its rate, over one day',
  seconds: 86_400,
  jobs: (draw, seconds) => gentd26Jobs(draw, seconds, 4),
};
