import { expireIdle } from './idle.ts';
import { ownSetting } from './own-setting.ts';
import { aliveOf, type FleetSummary, type Policy, type PolicySetting } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import { earliest, nextMultiple } from './towards.ts';

const tickMs = 1_000;

const own = {
  queue_delay: {
    default: 4_000,
    unit: 'duration',
    min: 0,
    max: 86_400_000,
    what: 'A job that has waited so long is late and gets a container.',
  },
  idle_timeout: {
    default: 5_000,
    unit: 'duration',
    min: 0,
    max: 86_400_000,
    what: 'An idle container above the minimum goes after so long.',
  },
} as const satisfies Record<string, PolicySetting>;

/**
 * A first container for the first job; after that, at each whole second, one for each job that has waited `queue_delay` and that no
 * starting container is for yet: start max(0, late - starting), up to max. Idle ones above the minimum go when their timeout has passed;
 * one stays while anything is queued. RunPod-like: RunPod documents scaling by queue delay but neither publishes its controller nor says
 * how many it starts at once, so the step is our reading. There its default maximum is 3 workers.
 */
export const queueDelay: Policy = {
  name: 'queue-delay',
  settings: own,
  lateAfterMs: (settings) => ownSetting(own, settings, 'queue_delay'),
  decide(summary, settings, memory) {
    // Its memory is the time of the next tick. It may be woken for an idle container before, and that is no tick.
    const ticks = summary.due && typeof memory === 'number' && summary.now >= memory;
    const alive = aliveOf(summary);
    const floor = Math.max(settings.minContainers, summary.queued > 0 ? 1 : 0);
    const expiry = expireIdle(summary, floor, ownSetting(own, settings, 'idle_timeout'));
    const left = alive - expiry.stop;
    const start = Math.min(wanted(summary, floor - alive, ticks), Math.max(0, (settings.maxContainers ?? Infinity) - left));
    // The first tick is that of 1 s, also where time begins at 0.
    const tickAt = summary.queued > 0 ? Math.max(tickMs, nextMultiple(tickMs, { now: summary.now, due: ticks })) : null;
    const reason = reasonFor({ start, stop: expiry.stop }, summary, settings);
    return { start, stop: expiry.stop, cancel: 0, desired: left + start, wakeAt: earliest(expiry.wakeAt, tickAt), memory: tickAt, reason };
  },
};

const wanted = ({ late, starting }: FleetSummary, missing: number, ticks: boolean): number =>
  Math.max(0, missing, ticks ? late - starting : 0);

function reasonFor({ start, stop }: { start: number; stop: number }, { queued, late }: FleetSummary, settings: ScalingSettings): string {
  if (start > 0 && queued === 0) return `min_containers ${settings.minContainers}`;
  if (start > 0) return late > 0 ? `${late} late of ${queued} in the queue` : 'the first job in the queue';
  return stop > 0 ? 'idle longer than the idle timeout' : 'enough';
}
