import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

const slot = (device: string, share = 1) => ({ host: 'h', device, gpu: 'A10G', share });

test('gives out the lowest free slot, and none when all are taken', () => {
  const slots = new Slots([slot('gpu0'), slot('gpu1')]);
  expect([slots.take('a')?.device, slots.take('b')?.device, slots.take('c')]).toEqual(['gpu0', 'gpu1', undefined]);
  slots.release('a');
  slots.release('a');
  slots.release('unknown');
  expect([slots.free, slots.take('d')?.device]).toEqual([1, 'gpu0']);
});

test('an adopted container takes its own slot; one on a slot that is gone takes none', () => {
  const slots = new Slots([slot('gpu0'), slot('gpu1', 0.5)]);
  slots.adopt('a', slot('gpu0'));
  slots.adopt('b', slot('gpu7'));
  expect([slots.free, slots.next.share, slots.take('c')?.device]).toEqual([1, 0.5, 'gpu1']);
});

test('the GPU of a server that was down is learnt from its container, for all that come after', () => {
  const slots = new Slots([{ host: 'box', device: 'http://box', gpu: null, share: 0 }]);
  const shown = slots.all();
  slots.take('a');
  slots.learn('a', { gpu: 'A10G', share: 1 });
  slots.learn('unknown', { gpu: 'H100', share: 1 });
  slots.release('a');
  const known = { host: 'box', device: 'http://box', gpu: 'A10G', share: 1 };
  expect([slots.next.share, slots.take('b'), shown]).toEqual([1, known, [known]]);
});

test('a slot on which the last start failed comes after the others, and the one that failed longest ago comes first', () => {
  const slots = new Slots([slot('gpu0', 0.5), slot('gpu1'), slot('gpu2')]);
  slots.take('a');
  slots.release('a', true);
  expect([slots.free, slots.next.share, slots.take('b')?.device]).toEqual([3, 1, 'gpu1']);
  slots.release('b', true);
  expect([slots.take('c')?.device, slots.take('d')?.device, slots.take('e')?.device, slots.take('f')]).toEqual([
    'gpu2',
    'gpu0',
    'gpu1',
    undefined,
  ]);
  // It works again.
  slots.release('d');
  slots.release('e', true);
  expect([slots.take('g')?.device, slots.take('h')?.device, slots.free]).toEqual(['gpu0', 'gpu1', 0]);
});
