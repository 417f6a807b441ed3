import { expect, test } from 'vitest';
import type { JobFilter, Store } from '../../src/store/store.ts';
import { resultOf, started, submitted, succeeded, t0 } from './store-samples.ts';

async function listed(store: Store, filter: Omit<JobFilter, 'limit'>): Promise<string[]> {
  return (await store.jobs({ ...filter, limit: 100 })).items.map(({ id }) => id);
}

export function queriesContract(store: () => Store): void {
  test('pages are newest first, complete and without repetition, also when jobs come meanwhile', async () => {
    for (let i = 0; i < 7; i++) await submitted(store(), `job-${i}`, {}, t0 + i);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 10; page++) {
      const { items, next } = await store().jobs({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...items.map(({ id }) => id));
      await submitted(store(), `late-${page}`);
      if (next === null) break;
      cursor = next;
    }
    expect(seen).toEqual(['job-6', 'job-5', 'job-4', 'job-3', 'job-2', 'job-1', 'job-0']);
  });

  test('a page that is just full has no next one', async () => {
    await submitted(store(), 'a');
    await submitted(store(), 'b');
    expect((await store().jobs({ limit: 2 })).next).toBeNull();
    expect((await store().jobs({ limit: 1 })).next).not.toBeNull();
  });

  test('a cursor that is none is the caller’s mistake', async () => {
    for (const cursor of ['', 'x', '-1', '1.5', '1; DROP TABLE jobs']) {
      await expect(store().jobs({ limit: 2, cursor })).rejects.toMatchObject({ code: 'invalid_parameter' });
    }
  });

  test('filters by deployment, state and key, alone and together', async () => {
    await succeeded(store(), 'done-1', t0);
    await succeeded(store(), 'done-2', t0, { deployment: 'other', key: 'key-1' });
    await succeeded(store(), 'done-3', t0, { key: 'key-1' });
    await submitted(store(), 'running', { key: 'key-1' });
    await started(store(), 'running');
    await submitted(store(), 'queued-1', { deployment: 'other' });
    await submitted(store(), 'queued-2', { key: 'key-1' });
    const cases: [Omit<JobFilter, 'limit'>, string[]][] = [
      [{}, ['queued-2', 'queued-1', 'running', 'done-3', 'done-2', 'done-1']],
      [{ deployment: 'collage' }, ['queued-2', 'running', 'done-3', 'done-1']],
      [{ state: 'queued' }, ['queued-2', 'queued-1']],
      [{ state: 'succeeded' }, ['done-3', 'done-2', 'done-1']],
      [{ key: 'key-1' }, ['queued-2', 'running', 'done-3', 'done-2']],
      [{ deployment: 'collage', state: 'succeeded' }, ['done-3', 'done-1']],
      [{ deployment: 'other', state: 'queued' }, ['queued-1']],
      [{ deployment: 'collage', key: 'key-1' }, ['queued-2', 'running', 'done-3']],
      [{ state: 'succeeded', key: 'key-1' }, ['done-3', 'done-2']],
      [{ state: 'running', key: 'key-1' }, ['running']],
      [{ deployment: 'other', state: 'succeeded', key: 'key-1' }, ['done-2']],
      [{ deployment: 'other', state: 'queued', key: 'key-1' }, []],
    ];
    for (const [filter, ids] of cases) expect([filter, await listed(store(), filter)]).toEqual([filter, ids]);
  });

  test('unfinished jobs come oldest first with their running attempt', async () => {
    await succeeded(store(), 'done', t0);
    await submitted(store(), 'requeued');
    const lost = await started(store(), 'requeued');
    await submitted(store(), 'running');
    await submitted(store(), 'queued');
    await store().loseAttempt({ job: 'requeued', token: lost.token, at: t0 + 2_000, reason: '', counted: true });
    await started(store(), 'running', 'c1');
    await store().loseAttempt({ job: 'running', token: 1, at: t0 + 2_000, reason: '', counted: true });
    const attempt = await started(store(), 'running', 'c2');
    const unfinished = await store().unfinishedJobs();
    expect(unfinished).toEqual([
      { job: await store().job('requeued'), attempt: null },
      { job: await store().job('running'), attempt },
      { job: await store().job('queued'), attempt: null },
    ]);
  });

  test('events resume after a number', async () => {
    await submitted(store(), 'a');
    await submitted(store(), 'b');
    await started(store(), 'a');
    await store().finishAttempt(resultOf('a', 1));
    const all = await store().jobEvents({ job: 'a', after: 0 });
    expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(await store().jobEvents({ job: 'a', after: 1 })).toEqual(all.slice(1));
    expect(await store().jobEvents({ job: 'a', after: 3 })).toEqual([]);
  });

  test('a read after a write’s answer sees it', async () => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        await submitted(store(), `job-${i}`);
        expect(await store().job(`job-${i}`)).toMatchObject({ state: 'queued' });
        await started(store(), `job-${i}`);
        expect(await store().job(`job-${i}`)).toMatchObject({ state: 'running' });
      }),
    );
  });
}
