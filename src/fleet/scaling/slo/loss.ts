import { quantileOf, type ServiceTime } from './service-times.ts';

/**
 * Share of Poisson arrivals that do not begin within `patience` when `servers` serve them, those in time first: M/G/c with deterministic
 * patience, whose offered wait has the density e^(-(c/S - rate) x / h) up to the patience and e^(-c x / (S h)) beyond (Barrer 1957 for
 * exponential service; h = (1 + cv^2) / 2 for other service times, as in Allen and Cunneen). That a job waits at all is Erlang C, since
 * late jobs are served too. An approximation: the policy corrects itself on what it measures.
 */
export function lossShare(input: { rate: number; serviceSeconds: number; cv: number; servers: number; patienceSeconds: number }): number {
  const { rate, serviceSeconds, cv, servers, patienceSeconds } = input;
  const load = rate * serviceSeconds;
  if (load <= 0) return 0;
  if (servers <= load) return 1;
  const h = (1 + cv * cv) / 2;
  const drain = (servers / serviceSeconds - rate) / h;
  const atPatience = Math.exp(-drain * Math.max(0, patienceSeconds));
  const within = (1 - atPatience) / drain;
  const beyond = (atPatience * serviceSeconds * h) / servers;
  return (erlangC(load, servers) * beyond) / (within + beyond);
}

/** Share of arrivals that wait in M/M/c, by the recursion of Erlang's formula B; load < servers. */
export function erlangC(load: number, servers: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (load * blocked) / (n + load * blocked);
  return blocked / (1 - (load / servers) * (1 - blocked));
}

/** Standard normal quantiles of the middles of twenty equal shares. */
const deviations = [-1.96, -1.44, -1.15, -0.935, -0.755, -0.598, -0.454, -0.319, -0.189, -0.063, 0.063, 0.189, 0.319, 0.454, 0.598, 0.755, 0.935, 1.15, 1.44, 1.96];

/** The servers for which their own cost and that of what is lost are least together: c + price x rate x loss(c), in servers. */
export function serversFor(input: { rate: number; service: ServiceTime; latencySeconds: number; startSeconds: number; missSeconds: number }): number {
  const { rate, service, latencySeconds, startSeconds, missSeconds } = input;
  if (rate <= 0) return 0;
  const times = deviations.map((z) => quantileOf(service, z)).filter((seconds) => seconds <= latencySeconds && latencySeconds - seconds < startSeconds);
  if (times.length === 0) return 0;
  const cv = Math.sqrt(Math.exp(service.sigma ** 2) - 1);
  const cost = (servers: number): number =>
    servers + missSeconds * rate * times.reduce((sum, seconds) => sum + lossShare({ rate, serviceSeconds: service.mean, cv, servers, patienceSeconds: latencySeconds - seconds }), 0) / deviations.length;
  let best = { servers: 0, cost: cost(0) };
  for (let servers = Math.floor(rate * service.mean) + 1; servers < best.cost; servers++) {
    const here = cost(servers);
    if (here < best.cost) best = { servers, cost: here };
    else if (best.servers > 0) break;
  }
  return best.servers;
}
