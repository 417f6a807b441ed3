import type { ReplayOptions } from './replay.ts';

type Loose = Pick<ReplayOptions, 'anyPixels' | 'anyPace' | 'anyOrder'>;

/** Pictures of a sampler with random weights: noise. */
const sampled: Loose = { anyPixels: true };
/** How far a sampler had come when it was interrupted, when a socket was opened, or when others did something to the queue. */
const paced: Loose = { anyPace: true };
/** Two independent outputs: ComfyUI keeps them in a set. */
const unordered: Loose = { anyOrder: true };

/** What of a scenario a real server would not repeat either. Everything else is compared. */
export const loose: Readonly<Record<string, Loose>> = {
  cached_partial_t2i: sampled,
  sampler_batch: sampled,
  sampler_preview_legacy: sampled,
  sampler_preview_metadata: sampled,
  sampler_progress: sampled,
  queue_clear: paced,
  queue_delete: paced,
  queue_listing: paced,
  queue_priority: paced,
  same_id_same_number_defect: paced,
  interrupt_running: paced,
  interrupt_targeted: paced,
  interrupt_then_again: paced,
  interrupt_without_client: paced,
  reconnect_while_running: paced,
  preview_image: unordered,
  view: unordered,
};
