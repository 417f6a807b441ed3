import { expect, test } from 'vitest';
import { pauseBeforeStart } from './spawn.ts';

test('a supervisor that was killed is started again at once; one that dies again and again after longer and longer pauses', () => {
  const pauses = Array.from({ length: 15 }, (_, lately) => pauseBeforeStart(lately));
  expect(pauses.slice(0, 8)).toEqual([0, 0, 0, 0, 0, 200, 400, 800]);
  expect(pauses.slice(-2)).toEqual([30_000, 30_000]);
});
