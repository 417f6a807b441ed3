import { expireIdle } from './idle.ts';
import { aliveOf, type Policy } from './policy.ts';

/**
 * One container per input: as many containers as there are prompts in flight, divided by `target_inputs`, plus the buffer while
 * anything is in flight; within min and max. An idle container above that goes when its scaledown window has passed, the longest
 * idle one first. The published semantics of Modal Functions (min_containers, max_containers, buffer_containers, scaledown_window,
 * max_inputs, target_inputs); theirs is not public, so this is a reading of their documentation.
 */
export const perInput: Policy = {
  name: 'per-input',
  settings: {},
  decide(summary, settings, memory) {
    const { minContainers, maxContainers, bufferContainers, scaledownWindowMs, targetInputs } = settings;
    const inFlight = summary.queued + summary.running;
    const need = inFlight === 0 ? 0 : Math.ceil(inFlight / targetInputs) + bufferContainers;
    const desired = Math.min(Math.max(minContainers, need), maxContainers ?? Infinity);
    const start = Math.max(0, desired - aliveOf(summary));
    const { stop, wakeAt } = expireIdle(summary, desired, scaledownWindowMs);
    return { start, stop, cancel: 0, desired, wakeAt, memory, reason: reasonFor({ start, stop, inFlight, desired, minContainers }) };
  },
};

function reasonFor(input: { start: number; stop: number; inFlight: number; desired: number; minContainers: number }): string {
  if (input.start > 0 && input.inFlight === 0) return `min_containers ${input.minContainers}`;
  if (input.start > 0) return `${input.inFlight} in flight want ${input.desired}`;
  if (input.stop > 0) return 'idle longer than the scaledown window';
  return 'enough';
}
