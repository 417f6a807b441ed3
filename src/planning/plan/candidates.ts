import type { PolicyName } from '../../fleet/scaling/settings.ts';
import type { Demand } from './demand.ts';

/** A policy with settings of its own and common ones, in the spelling of configuration; what is not named is at its default. */
export interface Candidate {
  readonly policy: PolicyName;
  readonly settings: Readonly<Record<string, string | number>>;
}

/** What others run as it comes, by the name of who does. Theirs that are not public are called like them: see the policies. */
export const peers = {
  'Modal-like, one container per input': { policy: 'per-input', settings: {} },
  'Modal-like, web server': { policy: 'flash', settings: {} },
  Knative: { policy: 'concurrency', settings: {} },
  'Kubernetes HPA': { policy: 'hpa', settings: {} },
  KEDA: { policy: 'keda', settings: {} },
  'Ray Serve': { policy: 'ongoing', settings: {} },
  'RunPod-like, request count': { policy: 'request-count', settings: {} },
  'RunPod-like, queue delay': { policy: 'queue-delay', settings: {} },
} as const satisfies Record<string, Candidate>;

/** Sizes of fixed fleets that are tried. */
const fixedSizes = 16;
/** As many as settings may ask for. */
const mostContainers = 10_000;

/**
 * Everything that is tried: the peers as they come, `slo`, fixed fleets from the load up to where nothing waits, and a small grid of each
 * policy's settings, with floors of none, half of the load and all of it. In a closed loop slow answers slow the arrivals, so that fewer than
 * the load (of users who never wait) can do: there fixed fleets begin at half of it.
 */
export function candidatesFor(demand: Demand, { closed }: { closed: boolean }): Candidate[] {
  const [load, peak] = [Math.min(demand.load, mostContainers), Math.min(demand.peak, mostContainers)];
  const floors = [...new Set([0, Math.ceil(load / 2), Math.ceil(load)])];
  const all: Candidate[] = [
    { policy: 'slo', settings: {} },
    ...Object.values(peers),
    ...sizes(closed ? Math.floor(load / 2) : Math.ceil(load), peak).map((min_containers): Candidate => ({
      policy: 'fixed',
      settings: { min_containers },
    })),
    ...grid('per-input', { min_containers: floors, scaledown_window: ['2s', '15s'] }),
    ...grid('per-input', { buffer_containers: [1], scaledown_window: ['15s', '60s'] }),
    ...grid('concurrency', { target_utilization: [0.85, 1], stable_window: ['30s', '60s'] }),
    ...grid('concurrency', { target_utilization: [1], min_containers: floors }),
    ...grid('hpa', { target_in_flight: [0.75, 1.5, 2], downscale_window: ['60s'] }),
    ...grid('keda', { target_in_flight: [1, 2], cooldown: ['60s'], downscale_window: ['60s'], polling_interval: ['5s'] }),
    ...grid('ongoing', { target_ongoing_requests: [1, 1.5], upscale_delay: ['2s'], downscale_delay: ['60s', '5m'] }),
    ...grid('request-count', { requests_per_worker: [1, 2, 3], idle_timeout: ['5s', '30s'], min_containers: floors.slice(0, 2) }),
    ...grid('queue-delay', { queue_delay: ['1s', '4s'], idle_timeout: ['5s', '30s'], min_containers: floors }),
    ...grid('flash', { scaledown_window: ['60s'], buffer_containers: [0, 1] }),
  ];
  return [...new Map(all.map((candidate) => [keyOf(candidate), candidate])).values()];
}

/** Two candidates with the same key are the same. */
export const keyOf = ({ policy, settings }: Pick<Candidate, 'policy' | 'settings'>): string =>
  [policy, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)].sort().join(' ');

/** Every combination of the values. Floors and buffers of none are as good as not named. */
const grid = (policy: PolicyName, values: Readonly<Record<string, readonly (string | number)[]>>): Candidate[] =>
  Object.entries(values)
    .reduce<Record<string, string | number>[]>(
      (made, [name, these]) => made.flatMap((one) => these.map((value) => ({ ...one, [name]: value }))),
      [{}],
    )
    .map((made) => ({ policy, settings: Object.fromEntries(Object.entries(made).filter(([, value]) => value !== 0)) }));

/** Whole numbers from `least` (at least one) to `most`, each a constant factor above the one before. */
function sizes(least: number, most: number): number[] {
  const [from, to] = [Math.max(1, least), Math.max(1, least, most)];
  const steps = Array.from({ length: fixedSizes }, (_, step) => Math.round(from * (to / from) ** (step / (fixedSizes - 1))));
  return [...new Set(steps)];
}
