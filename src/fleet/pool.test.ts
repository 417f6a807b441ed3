import { expect, test } from 'vitest';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { Pool } from './pool.ts';
import { defaultScaling } from './scaling/settings.ts';

const deployment = {
  name: 'collage',
  environment: 'production',
  workspace: 'local',
  default: true,
  revision: 'r',
  scaling: defaultScaling,
  executionTimeoutMs: 0,
  problems: [],
  createdAt: 0,
  updatedAt: 0,
};

test('a job that waits for a busy container with its models is looked at again in time, unless the pool is closed', async () => {
  const clock = new VirtualClock();
  const looks: number[] = [];
  const begin = clock.now();
  const pool = new Pool(deployment, { clock, onOpen: () => looks.push(clock.now() - begin), prior: { serviceSeconds: 10 } });
  pool.observations.loaded(20_000);
  for (const [id, modelKey] of [
    ['warm', 'a'],
    ['cold', 'b'],
  ] as const) {
    pool.dispatcher.addContainer({ id, maxInputs: 1, inFlight: 0, modelKey, at: 0 });
  }
  for (const id of ['1', '2'])
    pool.dispatcher.queue.add({ id, priority: 0, number: 0, key: null, modelKey: 'a', createdAt: begin, behind: null });
  expect([pool.next()?.container, pool.next()]).toEqual(['warm', undefined]);
  await clock.runFor(29_999);
  expect(looks).toEqual([]);
  await clock.runFor(1);
  // 10 s until it should be free, and as long again as a load takes.
  expect(looks).toEqual([30_000]);
  expect(pool.next()?.container).toBe('cold');
  await clock.runFor(100_000);
  expect(looks).toEqual([30_000]);

  pool.dispatcher.jobEnded('cold', clock.now());
  pool.dispatcher.queue.add({ id: '3', priority: 0, number: 0, key: null, modelKey: 'b', createdAt: clock.now(), behind: null });
  pool.next();
  pool.dispatcher.jobEnded('warm', clock.now());
  pool.dispatcher.queue.add({ id: '4', priority: 0, number: 0, key: null, modelKey: 'b', createdAt: clock.now(), behind: null });
  expect(pool.next()).toBeUndefined();
  pool.close();
  await clock.runFor(100_000);
  expect(looks).toEqual([30_000]);
});
