import { Draw } from './random.ts';
import type { Trace, TraceJob } from './trace.ts';

/** A workload that is drawn anew for each seed. Times are seconds. */
export interface Workload {
  readonly what: string;
  /** How long jobs arrive. */
  readonly seconds: number;
  /** Arrival times, in order. */
  readonly arrivals: (draw: Draw, seconds: number) => number[];
  /** Time on the GPU of the next job. */
  readonly service: (draw: Draw) => number;
}

/** 3.5 s on an A10G, hardly varying: the collage of the article. */
const collage = (draw: Draw): number => draw.lognormal(3.5, 0.1);

export const workloads = {
  steady: {
    what: 'Poisson arrivals at 1.35/s, jobs of 3.5 s',
    seconds: 3_600,
    arrivals: (draw, seconds) => poisson(draw, seconds, { most: 1.35, rate: () => 1.35 }),
    service: collage,
  },
  diurnal: {
    what: 'Poisson arrivals that rise from 0.1/s to 3/s and fall again within two hours, jobs of 3.5 s',
    seconds: 7_200,
    arrivals: (draw, seconds) => poisson(draw, seconds, { most: 3, rate: (at) => 0.1 + 2.9 * Math.sin((Math.PI * at) / 7_200) ** 2 }),
    service: collage,
  },
  bursty: {
    what: 'bursts of 2/s for a minute about every six minutes, 0.05/s between them, jobs of 3.5 s',
    seconds: 7_200,
    arrivals: (draw, seconds) =>
      switching(draw, seconds, [
        { rate: 0.05, mean: 300 },
        { rate: 2, mean: 60 },
      ]),
    service: collage,
  },
  sparse: {
    what: 'sessions of 0.5/s for half a minute about every 20 minutes, nothing between them, jobs of 3.5 s',
    seconds: 14_400,
    arrivals: (draw, seconds) =>
      switching(draw, seconds, [
        { rate: 0, mean: 1_200 },
        { rate: 0.5, mean: 30 },
      ]),
    service: collage,
  },
  diffusion: {
    what: 'bursts of 0.3/s for five minutes about every 20 minutes, 0.02/s between them, jobs of 29 s that vary much',
    seconds: 7_200,
    arrivals: (draw, seconds) =>
      switching(draw, seconds, [
        { rate: 0.02, mean: 900 },
        { rate: 0.3, mean: 300 },
      ]),
    service: (draw) => draw.lognormal(28.9, 0.55),
  },
} as const satisfies Record<string, Workload>;

export type WorkloadName = keyof typeof workloads;

/** The workload's trace for this seed: the same seed gives the same jobs. */
export function drawTrace(name: WorkloadName, seed: number): Trace {
  const workload: Workload = workloads[name];
  const draw = new Draw(seed);
  const arrivals = workload.arrivals(draw, workload.seconds);
  const jobs = arrivals.map((at): TraceJob => ({
    arrivalMs: Math.round(at * 1000),
    serviceMs: Math.max(1, Math.round(workload.service(draw) * 1000)),
    model: '',
    user: null,
    workflow: '',
  }));
  return { name, jobs };
}

/** A Poisson process whose rate per second changes with time, by thinning one of the highest rate (Lewis and Shedler 1979). */
function poisson(draw: Draw, seconds: number, { most, rate }: { most: number; rate: (at: number) => number }): number[] {
  const arrivals: number[] = [];
  for (let at = draw.exponential(1 / most); at < seconds; at += draw.exponential(1 / most)) {
    if (draw.uniform() * most < rate(at)) arrivals.push(at);
  }
  return arrivals;
}

/** A Poisson process that goes from state to state in turn, each with its rate per second and an exponential stay of a mean (MMPP). */
function switching(draw: Draw, seconds: number, states: readonly { rate: number; mean: number }[]): number[] {
  const arrivals: number[] = [];
  let from = 0;
  for (let turn = 0; from < seconds; turn++) {
    const { rate, mean } = states[turn % states.length] as { rate: number; mean: number };
    const to = Math.min(seconds, from + draw.exponential(mean));
    if (rate > 0) for (let at = from + draw.exponential(1 / rate); at < to; at += draw.exponential(1 / rate)) arrivals.push(at);
    from = to;
  }
  return arrivals;
}
