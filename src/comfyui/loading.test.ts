import { expect, test } from 'vitest';
import { LoadingWatch } from './loading.ts';

const loadImage = { class_type: 'LoadImage', inputs: { image: 'a.png' } };
const checkpoint = { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'sd15.safetensors' } };
const lora = { class_type: 'LoraLoader', inputs: { lora_name: 'style.safetensors', model: ['4', 0] as [string, number] } };
const encode = { class_type: 'CLIPTextEncode', inputs: { text: 'style.safetensors?', clip: ['4', 1] as [string, number] } };

test('from the first loader to the first step, with the seconds of each loader', () => {
  const watch = new LoadingWatch();
  watch.step(3, 500);
  watch.executing(loadImage, 1_000);
  watch.executing(checkpoint, 2_000);
  watch.executing(lora, 5_000);
  watch.executing(encode, 5_500);
  watch.executing(undefined, 6_000);
  watch.step(0, 6_000);
  watch.step(1, 8_000);
  watch.step(2, 8_100);
  expect(watch.seen()).toEqual({ from: 2_000, to: 8_000, seconds: { CheckpointLoaderSimple: 3, LoraLoader: 0.5 } });
});

test('without steps it ends with the last loader', () => {
  const watch = new LoadingWatch();
  watch.executing(encode, 0);
  watch.executing(checkpoint, 100);
  expect(watch.seen()).toBeNull();
  watch.executing(encode, 400);
  expect(watch.seen()).toEqual({ from: 100, to: 400, seconds: { CheckpointLoaderSimple: 0.3 } });
});

test('a prompt whose loaders did not run has loaded nothing', () => {
  const watch = new LoadingWatch();
  watch.executing(loadImage, 0);
  watch.step(1, 10);
  expect(watch.seen()).toBeNull();
});
