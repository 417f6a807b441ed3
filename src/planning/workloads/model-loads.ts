import type { Draw } from '../random.ts';

/**
 * What it takes to load a model in production, seconds. Fitted to the load times of the infrastructure part of GenTD26 (alibaba/clusterdata,
 * 132 pods over 22 hours).
 */

/** A base model: 35 % come from a cache within 2.8 s (sd 1.1), the rest are fetched within 32.3 s (CV 0.30). The mean is 22 s. */
export const baseModelLoadSeconds = (draw: Draw): number => (draw.uniform() < 0.35 ? about(draw, 2.8, 1.1) : about(draw, 32.3, 0.3 * 32.3));

/** A LoRA: normal, 4.4 s with CV 0.39. */
export const loraLoadSeconds = (draw: Draw): number => about(draw, 4.4, 0.39 * 4.4);

/** A ControlNet: lognormal with median 3.9 s and, of its logarithm, sd 0.6, which is between those of the published p90 8.2 s and p99 16.7 s. */
export const controlNetLoadSeconds = (draw: Draw): number => 3.9 * Math.exp(0.6 * draw.normal());

/** Normal, but nothing loads in less than 0.1 s. */
const about = (draw: Draw, mean: number, deviation: number): number => Math.max(0.1, mean + deviation * draw.normal());
