import { quantile, variation, type Lognormal } from '../../learning/lognormal.ts';

/** Poisson arrivals that `servers` containers serve, those first that can still meet the target. */
export interface Queueing {
  /** Arrivals per second. */
  readonly rate: number;
  /** Seconds. */
  readonly service: Lognormal;
  readonly servers: number;
}

/**
 * Share of jobs that do not begin within `patience` seconds: M/G/c with deterministic patience, whose wait has a density of the form
 * e^(-(c/S - rate) x / h) up to the patience and e^(-c x / (S h)) beyond (Barrer 1957 for exponential service; h = (1 + cv^2) / 2 for other
 * service, as in Allen and Cunneen's approximation). The share that waits at all is Erlang C, since late jobs are served too. An
 * approximation: whoever uses it corrects it by what is measured.
 */
export function lossShare(queueing: Queueing, patience: number): number {
  const load = queueing.rate * queueing.service.mean;
  if (load <= 0) return 0;
  if (queueing.servers <= load) return 1;
  return lossOf(queueing, erlangC(load, queueing.servers))(patience);
}

/** The same for any patience, where the share that waits at all is known; load < servers. */
function lossOf({ rate, service, servers }: Queueing, waits: number): (patience: number) => number {
  const h = (1 + variation(service) ** 2) / 2;
  const drain = (servers / service.mean - rate) / h;
  return (patience) => {
    const atPatience = Math.exp(-drain * Math.max(0, patience));
    const within = (1 - atPatience) / drain;
    const beyond = (atPatience * service.mean * h) / servers;
    return (waits * beyond) / (within + beyond);
  };
}

/** Share of arrivals that wait in M/M/c, by the recursion of Erlang's formula B; load < servers. */
export function erlangC(load: number, servers: number): number {
  return waitsOf(load, servers, erlangB(load, servers));
}

function erlangB(load: number, servers: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = withOneMore(load, n, blocked);
  return blocked;
}

/** Erlang's formula B for `servers`, from that for one less. */
const withOneMore = (load: number, servers: number, blocked: number): number => (load * blocked) / (servers + load * blocked);

const waitsOf = (load: number, servers: number, blocked: number): number => blocked / (1 - (load / servers) * (1 - blocked));

/** Standard normal quantiles of the middles of twenty equal shares. */
const deviations = [0.063, 0.189, 0.319, 0.454, 0.598, 0.755, 0.935, 1.15, 1.44, 1.96].flatMap((z) => [-z, z]);

/** The times of twenty equal shares of the jobs; kept, since several decisions look at the same prediction. */
function shares(service: Lognormal): readonly number[] {
  let times = known.get(service);
  if (!times) known.set(service, (times = deviations.map((z) => quantile(service, z))));
  return times;
}

const known = new WeakMap<Lognormal, readonly number[]>();

export interface StandingInput extends Omit<Queueing, 'servers'> {
  /** The target's latency less what jobs take outside the GPU, and what a start takes: seconds. */
  readonly latencySeconds: number;
  readonly startSeconds: number;
  /** What a missed job is worth, in container-seconds. */
  readonly missSeconds: number;
}

/**
 * Containers that should stand ready for the rate of arrivals: those for which they and what is missed cost least together, c + worth of a
 * miss x rate x share missed. Only jobs that cannot wait for a start count: for the others one is started when they come.
 */
export function standingFor({ rate, service, latencySeconds, startSeconds, missSeconds }: StandingInput): number {
  // A job that takes longer than the target misses it anyway.
  const slacks = shares(service)
    .map((seconds) => latencySeconds - seconds)
    .filter((slack) => slack >= 0 && slack < startSeconds);
  if (rate <= 0 || slacks.length === 0) return 0;
  const load = rate * service.mean;
  const cost = (servers: number, missed: number): number => servers + missSeconds * rate * missed;
  let best = { servers: 0, cost: cost(0, slacks.length / deviations.length) };
  // Below the load nothing is gained; above it the cost falls to its least and rises again.
  const first = Math.floor(load) + 1;
  // The formula for one container more follows from the one before: over all of them it is worked out once.
  let blocked = first < best.cost ? erlangB(load, first - 1) : 0;
  for (let servers = first; servers < best.cost; servers++) {
    blocked = withOneMore(load, servers, blocked);
    const loss = lossOf({ rate, service, servers }, waitsOf(load, servers, blocked));
    let missed = 0;
    for (const slack of slacks) missed += loss(slack);
    const here = cost(servers, missed / deviations.length);
    if (here < best.cost) best = { servers, cost: here };
    else if (best.servers > 0) break;
  }
  return best.servers;
}
