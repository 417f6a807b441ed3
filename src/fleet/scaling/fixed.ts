import type { Policy } from './policy.ts';
import { towards } from './towards.ts';

/** Always the same number: `min_containers`, at least one. The sanity check of every other policy. */
export const fixed: Policy = {
  name: 'fixed',
  settings: {},
  decide(summary, settings, memory) {
    const desired = Math.max(1, settings.minContainers);
    return { ...towards(desired, summary), wakeAt: null, memory, reason: `always ${desired}` };
  },
};
