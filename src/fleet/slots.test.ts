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
  expect([slots.free, slots.nextShare, slots.take('c')?.device]).toEqual([1, 0.5, 'gpu1']);
});
