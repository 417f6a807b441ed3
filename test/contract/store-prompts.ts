import { expect, test } from 'vitest';
import type { JobRequest } from '../../src/jobs/job.ts';
import type { Caller, PromptScope, Store } from '../../src/store/store.ts';
import { historyOf, hour, promptOf, resultOf, started, submitted, t0 } from './store-samples.ts';

const scope = { deployment: 'collage', environment: 'production' };
const callerOf = (key: string | null): Caller => ({ workspace: 'default', key });
const mine: PromptScope = { ...scope, caller: callerOf('key-1') };
const everybody: PromptScope = { ...scope, caller: null };

/** Prompts of ComfyUI clients: by the clients' ids, in the history, and out of it. */
export function promptsContract(store: () => Store): void {
  const submit = (id: string, promptId: string, change: Partial<JobRequest> = {}, at = t0): Promise<void> =>
    submitted(store(), id, { source: 'native', key: 'key-1', inputs: null, prompt: promptOf(promptId), ...change }, at);
  const finish = async (id: string, at: number): Promise<void> => {
    const { token } = await started(store(), id);
    await store().finishAttempt(resultOf(id, token, { at, history: historyOf(`${id}.png`) }));
  };
  const ended = async (input: { limit: number; offset: number | null; maxBytes?: number }, of = mine): Promise<string[]> =>
    (await store().endedPrompts({ ...of, ...all, ...input })).map(({ job }) => job.id);
  const all = { limit: 100, offset: null, maxBytes: 1e9 };

  test('number and prompt read back as they were', async () => {
    const prompt = promptOf('p', { clientId: null, extraData: { extra_pnginfo: { workflow: { id: 'w' } } } });
    await submit('a', 'p', { number: -3.5, prompt });
    expect(await store().job('a')).toMatchObject({ number: -3.5, prompt });
    await submitted(store(), 'b');
    expect(await store().job('b')).toMatchObject({ number: 0, prompt: null });
    expect((await store().unfinishedJobs()).map(({ job }) => job.number)).toEqual([-3.5, 0]);
  });

  test('a prompt id stands for the newest job of its caller and deployment', async () => {
    await submit('a', 'p');
    await submit('b', 'p');
    await submit('c', 'p', { key: null });
    await submit('d', 'p', { deployment: 'portrait' });
    await submit('e', 'p', { environment: 'staging' });
    const newest = async (of: PromptScope): Promise<string | undefined> => (await store().jobOfPrompt({ ...of, promptId: 'p' }))?.job.id;
    expect(await newest(mine)).toBe('b');
    expect(await newest({ ...scope, caller: callerOf(null) })).toBe('c');
    expect(await newest(everybody)).toBe('c');
    expect(await newest({ ...mine, deployment: 'portrait' })).toBe('d');
    expect(await newest({ ...mine, environment: 'staging' })).toBe('e');
    expect(await newest({ ...scope, caller: callerOf('key-2') })).toBeUndefined();
    expect(await newest({ ...scope, caller: { workspace: 'other', key: 'key-1' } })).toBeUndefined();
    expect(await store().jobOfPrompt({ ...mine, promptId: 'q' })).toBeNull();
  });

  test('a prompt is unfinished, then in the history with what its container said', async () => {
    await submit('a', 'p');
    await submitted(store(), 'simple', { key: 'key-1' });
    expect((await store().unfinishedPrompts(mine)).map(({ id }) => id)).toEqual(['a']);
    expect(await store().jobOfPrompt({ ...mine, promptId: 'p' })).toMatchObject({ listed: false, history: null });
    const { token } = await started(store(), 'a');
    expect((await store().unfinishedPrompts(everybody)).map(({ id, state }) => [id, state])).toEqual([['a', 'running']]);
    const result = resultOf('a', token, { history: historyOf('x.png') });
    expect(await store().finishAttempt({ ...result, token: token + 1 })).toBe(false);
    expect(await ended(all)).toEqual([]);
    await store().finishAttempt(result);
    expect(await store().unfinishedPrompts(everybody)).toEqual([]);
    expect(await store().endedPrompts({ ...mine, ...all })).toMatchObject([
      { job: { id: 'a', state: 'succeeded' }, history: historyOf('x.png') },
    ]);
    expect(await store().jobOfPrompt({ ...mine, promptId: 'p' })).toMatchObject({ listed: true, history: historyOf('x.png') });
  });

  test('the history is in the order of ends, whoever looks, and is cut as asked', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await submit(id, id, { key: id === 'd' ? 'key-2' : 'key-1' });
    await finish('b', t0 + 2_000);
    await finish('d', t0 + 2_500);
    await finish('a', t0 + 3_000);
    await finish('c', t0 + 3_000);
    expect(await ended(all)).toEqual(['b', 'a', 'c']);
    expect(await ended(all, everybody)).toEqual(['b', 'd', 'a', 'c']);
    expect(await ended({ limit: 2, offset: null })).toEqual(['a', 'c']);
    expect(await ended({ limit: 1, offset: 1 })).toEqual(['a']);
    expect(await ended({ limit: 9, offset: 2 })).toEqual(['c']);
    expect(await ended({ limit: 0, offset: null })).toEqual([]);
    expect(await ended(all, { ...mine, environment: 'staging' })).toEqual([]);
  });

  test('the history is cut to so many bytes, though never to nothing: the newest are kept, or those from the offset on', async () => {
    const extraData = { picture: 'é'.repeat(5_000) };
    for (const [i, id] of ['a', 'b', 'c', 'd'].entries()) {
      await submit(id, id, { prompt: promptOf(id, { extraData }) });
      await finish(id, t0 + 1_000 * (i + 1));
    }
    expect(await ended({ ...all, maxBytes: 25_000 })).toEqual(['c', 'd']);
    expect(await ended({ ...all, maxBytes: 25_000, offset: 0 })).toEqual(['a', 'b']);
    expect(await ended({ ...all, maxBytes: 25_000, offset: 3 })).toEqual(['d']);
    expect(await ended({ ...all, maxBytes: 1 })).toEqual(['d']);
    expect(await ended({ ...all, maxBytes: 1, offset: 1 })).toEqual(['b']);
    expect(await ended(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('what was cancelled in the queue leaves no trace, what ran or expired does', async () => {
    for (const id of ['waits', 'runs', 'lost', 'late']) await submit(id, id);
    await store().requestCancel({ job: 'waits', at: t0 + 1 });
    const { token } = await started(store(), 'runs');
    await store().requestCancel({ job: 'runs', at: t0 + 2 });
    await store().finishAttempt(resultOf('runs', token, { state: 'canceled', at: t0 + 3_000, outputs: [] }));
    const lost = await started(store(), 'lost');
    await store().requestCancel({ job: 'lost', at: t0 + 4 });
    await store().loseAttempt({ job: 'lost', token: lost.token, at: t0 + 4_000, reason: 'gone', counted: true });
    await store().endQueued({ job: 'late', state: 'expired', at: t0 + 5_000, error: { code: 'expired', message: 'late' } });
    expect(await ended(all)).toEqual(['runs', 'lost', 'late']);
    expect(await store().jobOfPrompt({ ...mine, promptId: 'waits' })).toMatchObject({ listed: false, job: { state: 'canceled' } });
    expect(await store().unfinishedPrompts(mine)).toEqual([]);
  });

  test('a cancel for one state alone leaves the others untouched', async () => {
    await submit('a', 'a');
    expect(await store().requestCancel({ job: 'a', at: t0, only: 'running' })).toMatchObject({ state: 'queued', cancelRequested: false });
    await started(store(), 'a');
    expect(await store().requestCancel({ job: 'a', at: t0, only: 'queued' })).toMatchObject({ state: 'running', cancelRequested: false });
    expect((await store().jobEvents({ job: 'a', after: 0 })).map(({ type }) => type)).toEqual(['queued', 'started']);
    expect(await store().requestCancel({ job: 'a', at: t0, only: 'running' })).toMatchObject({ cancelRequested: true });
    await submit('b', 'b');
    expect(await store().requestCancel({ job: 'b', at: t0, only: 'queued' })).toMatchObject({ state: 'canceled' });
  });

  test('forgetting takes prompts out of the history of the scope alone, and the jobs stay', async () => {
    for (const id of ['a', 'b', 'c']) await submit(id, `p-${id}`);
    await submit('other', 'p-a', { key: 'key-2' });
    await submit('unfinished', 'p-u');
    for (const id of ['a', 'b', 'c', 'other']) await finish(id, t0 + 2_000);
    await store().forgetPrompts({ ...mine, promptIds: ['p-a', 'p-u', 'nonsense'] });
    expect(await ended(all)).toEqual(['b', 'c']);
    expect(await ended(all, everybody)).toEqual(['b', 'c', 'other']);
    expect(await store().job('a')).toMatchObject({ state: 'succeeded' });
    await store().forgetPrompts({ ...mine, promptIds: null });
    expect(await ended(all, everybody)).toEqual(['other']);
    expect((await store().unfinishedPrompts(mine)).map(({ id }) => id)).toEqual(['unfinished']);
    await store().forgetPrompts({ ...everybody, promptIds: null });
    expect(await ended(all, everybody)).toEqual([]);
  });

  test("a client's ends of a time", async () => {
    const other = promptOf('c', { clientId: 'client-2' });
    for (const id of ['a', 'b', 'd']) await submit(id, id);
    await submit('c', 'c', { prompt: other });
    await submit('e', 'e', { key: 'key-2' });
    for (const [index, id] of ['b', 'a', 'c', 'e', 'd'].entries()) await finish(id, t0 + index * 1_000);
    const missed = async (from: number, to: number): Promise<string[]> =>
      (await store().endsForClient({ ...mine, clientId: 'client-1', from, to })).map(({ job }) => job.id);
    expect(await missed(t0, t0 + 9_000)).toEqual(['b', 'a', 'd']);
    expect(await missed(t0 + 1, t0 + 1_000)).toEqual(['a']);
  });

  test('keys for paid services go with the end of the job', async () => {
    const extraData = { client_id: 'client-1', api_key_comfy_org: 'secret', auth_token_comfy_org: 'secret', kept: 1 };
    await submit('a', 'p', { prompt: promptOf('p', { extraData }) });
    expect((await store().job('a'))?.prompt?.extraData).toEqual(extraData);
    await finish('a', t0 + 2_000);
    expect((await store().job('a'))?.prompt?.extraData).toEqual({ client_id: 'client-1', kept: 1 });
  });

  test('swept with its job', async () => {
    await submit('a', 'p');
    await finish('a', t0 + 2_000);
    await store().sweep({ at: t0 + hour, jobsBefore: t0 + hour, outputsBefore: 0, uploadsBefore: 0, limit: 10 });
    expect(await ended(all)).toEqual([]);
    expect(await store().jobOfPrompt({ ...mine, promptId: 'p' })).toBeNull();
    // The next job may get the number of the one that is gone.
    await submitted(store(), 'b');
    expect(await store().unfinishedPrompts(everybody)).toEqual([]);
  });
}
