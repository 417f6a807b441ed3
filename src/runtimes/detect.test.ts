import { expect, test } from 'vitest';
import { visibleGpus } from './detect.ts';

const gpus = ['GPU-aa', 'GPU-bb', 'GPU-cc'].map((uuid, index) => ({ index, uuid, model: 'L4' }));

test.each([
  [undefined, [0, 1, 2]],
  ['', []],
  ['2', [2]],
  ['2, 0', [2, 0]],
  ['GPU-b,0', [1, 0]],
  ['1,7,2', [1]],
  ['-1', []],
])('CUDA_VISIBLE_DEVICES=%s leaves %j', (visible, left) => {
  expect(visibleGpus(gpus, visible).map(({ index }) => index)).toEqual(left);
});
