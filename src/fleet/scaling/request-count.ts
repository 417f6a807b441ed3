import { expireIdle } from './idle.ts';
import { ownSetting } from './own-setting.ts';
import { aliveOf, type Policy, type PolicySetting } from './policy.ts';

const own = {
  requests_per_worker: { default: 1, unit: 'number', min: 1, max: 10_000, what: 'Jobs in flight for which there is one container.' },
  idle_timeout: {
    default: 5_000,
    unit: 'duration',
    min: 0,
    max: 86_400_000,
    what: 'An idle container above the count goes after so long.',
  },
} as const satisfies Record<string, PolicySetting>;

/**
 * Containers = ceil((queued + running) / `requests_per_worker`), within min and max; an idle one above that goes when its timeout has
 * passed, the longest idle one first. RunPod-like: the formula is that of RunPod's scaling by request count, as documented; its
 * controller is not public, so when it starts and stops is our reading. There its default maximum is 3 workers.
 */
export const requestCount: Policy = {
  name: 'request-count',
  settings: own,
  decide(summary, settings, memory) {
    const inFlight = summary.queued + summary.running;
    const need = Math.ceil(inFlight / ownSetting(own, settings, 'requests_per_worker'));
    const desired = Math.min(Math.max(settings.minContainers, need), settings.maxContainers ?? Infinity);
    const start = Math.max(0, desired - aliveOf(summary));
    const { stop, wakeAt } = expireIdle(summary, desired, ownSetting(own, settings, 'idle_timeout'));
    const grows = inFlight > 0 ? `${inFlight} in flight want ${desired}` : `min_containers ${settings.minContainers}`;
    const reason = start > 0 ? grows : stop > 0 ? 'idle longer than the idle timeout' : 'enough';
    return { start, stop, cancel: 0, desired, wakeAt, memory, reason };
  },
};
