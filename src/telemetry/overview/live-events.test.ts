import { expect, test } from 'vitest';
import { deploymentOf } from '../../../test/contract/store-samples.ts';
import type { Deployment } from '../../deployments/deployment.ts';
import { LiveEvents } from './live-events.ts';

const before = deploymentOf('collage', { default: true });
const { scaling } = before;

/** The words of the event that a change makes; null: none. */
function said(after: Partial<Deployment>, from: Deployment | null = before): string | null {
  const events = new LiveEvents();
  events.deployment({ ...before, ...after }, from, 7);
  const [event] = events.list();
  return event ? `${event.subject} ${event.sentence}${event.why === null ? '' : ` (${event.why})`}` : null;
}

test.each<[string | null, Partial<Deployment>]>([
  ['collage max_containers from none to 4', { scaling: { ...scaling, maxContainers: 4 } }],
  [
    'collage min_containers from 0 to 1, scaledown_window from 60s to 5m',
    { scaling: { ...scaling, minContainers: 1, scaledownWindowMs: 300_000 } },
  ],
  ['collage slo.latency from 6s to 4s', { scaling: { ...scaling, slo: { ...scaling.slo, latencyMs: 4_000 } } }],
  ['collage execution_timeout from 10m to 90s', { executionTimeoutMs: 90_000 }],
  ['collage has the new revision abcdef', { revision: 'rev-0123abcdef' }],
  ['collage no longer answers POST /', { default: false }],
  ['collage cannot run (no sd.safetensors)', { problems: [{ code: 'missing_file', node: '1', message: 'no sd.safetensors' }] }],
  [null, { updatedAt: 8 }],
])('%s', (words, after) => {
  expect(said(after)).toBe(words);
});

test('what is new, and what is well again', () => {
  expect(said({}, null)).toBe('collage is new');
  expect(said({}, { ...before, problems: [{ code: 'missing_file', node: '1', message: 'x' }] })).toBe('collage can run again');
  expect(said({}, { ...before, default: false })).toBe('collage answers POST / now');
});
