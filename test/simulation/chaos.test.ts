import { expect, test } from 'vitest';
import { expectCalm, storm } from './storm.ts';

test.each(Array.from({ length: 25 }, (_, n) => n + 1))(
  'under faults of seed %i no job is lost, none ends twice, no container stays',
  async (seed) => {
    const sim = await storm(seed);
    await expectCalm(sim, seed);
  },
);

test('the same seed gives the same run', async () => {
  const trace = async (): Promise<unknown> => (await storm(7)).store.decisions({ limit: 10_000 });
  expect(await trace()).toEqual(await trace());
});
