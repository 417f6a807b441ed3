import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobRequest } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import { filesContract } from './store-files.ts';
import { fleetContract } from './store-fleet.ts';
import { queriesContract } from './store-queries.ts';
import { tracesContract } from './store-traces.ts';
import { outputOf, requestOf, resultOf, started, submitted, t0 } from './store-samples.ts';
import { promptsContract } from './store-prompts.ts';
import { sweepContract } from './store-sweep.ts';

/** A store to test, and how to do away with it. */
export interface StoreUnderTest {
  readonly store: Store;
  dispose(): Promise<void>;
}

/** What every adapter of the store's port must hold. */
export function storeContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    let subject: StoreUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.dispose());
    const store = (): Store => subject.store;

    describe('submission', () => submissionContract(store));
    describe('attempts', () => attemptContract(store));
    describe('cancelling and ending', () => endingContract(store));
    describe('queries', () => queriesContract(store));
    describe('traces', () => tracesContract(store));
    describe('fleet', () => fleetContract(store));
    describe('prompts of ComfyUI clients', () => promptsContract(store));
    describe('sweep', () => sweepContract(store));
    describe('named files', () => filesContract(store));

    test('a closed store takes nothing, and closing twice is no error', async () => {
      await store().close();
      await store().close();
      await expect(store().submit({ id: 'a', at: t0, request: requestOf() })).rejects.toMatchObject({ code: 'draining' });
      await expect(store().job('a')).rejects.toMatchObject({ code: 'draining' });
    });

    test('close takes nothing more at once, and waits for what was begun', async () => {
      const begun = store().submit({ id: 'a', at: t0, request: requestOf() });
      const settled: string[] = [];
      const watched = begun.then(({ kind }) => settled.push(kind));
      const closed = Promise.all([store().close(), store().close()]);
      await expect(store().submit({ id: 'b', at: t0, request: requestOf() })).rejects.toMatchObject({ code: 'draining' });
      await closed;
      expect(settled).toEqual(['accepted']);
      await watched;
    });
  });
}

function submissionContract(store: () => Store): void {
  test('an accepted job reads back as it was answered, with its first event', async () => {
    const request = requestOf({
      key: 'key-1',
      priority: -5,
      files: [{ name: 'in.png', asset: 'blake3:in' }],
      deadlineAt: t0 + 60_000.5,
      webhook: 'https://example.org/hook',
      source: 'native',
      inputs: null,
    });
    const submission = await store().submit({ id: 'a', at: t0 + 0.25, request });
    if (submission.kind !== 'accepted') throw new Error(submission.kind);
    const { idempotency: _, ...rest } = request;
    expect(submission.job).toMatchObject({ ...rest, id: 'a', state: 'queued', createdAt: t0 + 0.25, attempts: 0, token: 0 });
    expect(await store().job('a')).toEqual(submission.job);
    expect(await store().jobEvents({ job: 'a', after: 0 })).toEqual([{ job: 'a', seq: 1, at: t0 + 0.25, type: 'queued', data: {} }]);
  });

  test('an unknown job is null everywhere', async () => {
    expect(await store().job('x')).toBeNull();
    expect(await store().requestCancel({ job: 'x', at: t0 })).toBeNull();
    expect(await store().startAttempt({ job: 'x', container: 'c', epoch: 1, at: t0, coldMs: 0, reason: '' })).toBeNull();
    expect(await store().finishAttempt(resultOf('x', 1))).toBe(false);
    expect(await store().loseAttempt({ job: 'x', token: 1, at: t0, reason: '', counted: true })).toBeNull();
    expect(await store().endQueued({ job: 'x', state: 'expired', at: t0, error: null })).toBe(false);
    expect([await store().attempts('x'), await store().jobEvents({ job: 'x', after: 0 }), await store().deliveries('x')]).toEqual([
      [],
      [],
      [],
    ]);
  });

  test('an id that is taken is refused and changes nothing', async () => {
    await submitted(store(), 'a');
    const again = store().submit({ id: 'a', at: t0 + 1, request: requestOf({ idempotency: { key: 'k', bodyHash: 'h' } }) });
    const beside = store().submit({ id: 'b', at: t0 + 1, request: requestOf() });
    await expect(again).rejects.toMatchObject({ code: 'internal' });
    expect(await beside).toMatchObject({ kind: 'accepted' });
    expect(
      await store().submit({ id: 'c', at: t0 + 1, request: requestOf({ idempotency: { key: 'k', bodyHash: 'other' } }) }),
    ).toMatchObject({
      kind: 'accepted',
    });
    expect((await store().job('a'))?.createdAt).toBe(t0);
  });

  describe('with an Idempotency-Key', () => {
    const idempotency = { key: 'k', bodyHash: 'h' };
    const day = 24 * 3_600_000;

    test('the same body gives the earlier job as it is now', async () => {
      await submitted(store(), 'a', { idempotency });
      await started(store(), 'a');
      const again = await store().submit({ id: 'b', at: t0 + day - 1, request: requestOf({ idempotency }) });
      expect(again).toMatchObject({ kind: 'known', job: { id: 'a', state: 'running' } });
      expect(await store().job('b')).toBeNull();
    });

    test('of two at once only one is accepted', async () => {
      const both = await Promise.all(['a', 'b'].map((id) => store().submit({ id, at: t0, request: requestOf({ idempotency }) })));
      expect(both.map(({ kind }) => kind)).toEqual(['accepted', 'known']);
    });

    test('another body is a mismatch', async () => {
      await submitted(store(), 'a', { idempotency });
      const other = requestOf({ idempotency: { key: 'k', bodyHash: 'h2' } });
      expect(await store().submit({ id: 'b', at: t0 + 1, request: other })).toEqual({ kind: 'mismatch', job: 'a' });
      expect(await store().job('b')).toBeNull();
    });

    test('it is looked up without submitting anything', async () => {
      const query = (change: Partial<JobRequest> = {}, at = t0 + 1) => {
        const request = requestOf({ idempotency, ...change });
        return store().earlierSubmission({ ...request, idempotency: request.idempotency ?? idempotency, at });
      };
      expect(await query()).toBeNull();
      await submitted(store(), 'a', { idempotency });
      await started(store(), 'a');
      expect(await query()).toEqual({ kind: 'known', job: await store().job('a') });
      expect(await query({ idempotency: { key: 'k', bodyHash: 'h2' } })).toEqual({ kind: 'mismatch', job: 'a' });
      const elsewhere = [{ deployment: 'other' }, { environment: 'staging' }, { workspace: 'team' }, { key: 'key-2' }];
      for (const change of elsewhere) expect(await query(change)).toBeNull();
      expect(await query({}, t0 + day)).toBeNull();
      expect((await store().jobs({ limit: 10 })).items).toHaveLength(1);
    });

    test('it is forgotten after 24 h, and then stands for the new job', async () => {
      await submitted(store(), 'a', { idempotency });
      await submitted(store(), 'b', { idempotency }, t0 + day);
      const third = await store().submit({ id: 'c', at: t0 + day + 1, request: requestOf({ idempotency }) });
      expect(third).toMatchObject({ kind: 'known', job: { id: 'b' } });
    });

    test.each([
      { deployment: 'other' },
      { environment: 'staging' },
      { workspace: 'team' },
      { key: 'key-2' },
      { idempotency: { key: 'k2', bodyHash: 'h' } },
    ])('it means nothing for %o', async (change) => {
      await submitted(store(), 'a', { idempotency });
      await submitted(store(), 'b', { idempotency, ...change });
      expect((await store().jobs({ limit: 10 })).items).toHaveLength(2);
    });
  });
}

function attemptContract(store: () => Store): void {
  test('queued to running: attempt, token, event', async () => {
    await submitted(store(), 'a');
    const input = { job: 'a', container: 'c1', epoch: 4, at: t0 + 10, coldMs: 7.5, reason: 'it holds the model' };
    const attempt = await store().startAttempt(input);
    expect(attempt).toEqual({
      job: 'a',
      number: 1,
      token: 1,
      container: 'c1',
      promptId: 'a-1',
      epoch: 4,
      startedAt: t0 + 10,
      endedAt: null,
      outcome: 'running',
      coldMs: 7.5,
    });
    expect(await store().attempts('a')).toEqual([attempt]);
    expect(await store().job('a')).toMatchObject({ state: 'running', startedAt: t0 + 10, attempts: 1, token: 1, container: 'c1' });
    const events = await store().jobEvents({ job: 'a', after: 1 });
    expect(events).toEqual([
      { job: 'a', seq: 2, at: t0 + 10, type: 'started', data: { attempt: 1, container: 'c1', reason: 'it holds the model' } },
    ]);
    expect(await store().startAttempt(input)).toBeNull();
    expect(await store().attempts('a')).toHaveLength(1);
  });

  test('of two starts at once one wins', async () => {
    await submitted(store(), 'a');
    const start = (container: string) => store().startAttempt({ job: 'a', container, epoch: 1, at: t0, coldMs: 0, reason: '' });
    const both = await Promise.all([start('c1'), start('c2')]);
    expect(both.map((attempt) => attempt?.container)).toEqual(['c1', undefined]);
  });

  test('a result is recorded once, whole', async () => {
    await submitted(store(), 'a');
    await started(store(), 'a');
    const result = resultOf('a', 1, { outputs: [outputOf('blake3:1'), outputOf(null, { index: 1, kind: 'text', text: 'seven' })] });
    expect(await store().finishAttempt(result)).toBe(true);
    const { state, outputs, error, timing, usage } = result;
    const job = await store().job('a');
    expect(job).toMatchObject({ state, outputs, error, timing, usage, finishedAt: result.at });
    expect(await store().attempts('a')).toMatchObject([{ outcome: 'succeeded', endedAt: result.at }]);
    expect(await store().finishAttempt({ ...result, state: 'failed' })).toBe(false);
    expect(await store().loseAttempt({ job: 'a', token: 1, at: t0, reason: '', counted: true })).toBeNull();
    expect(await store().job('a')).toEqual(job);
    expect((await store().jobEvents({ job: 'a', after: 2 })).map(({ seq, type, data }) => [seq, type, data])).toEqual([
      [3, 'succeeded', {}],
    ]);
  });

  test('a failure keeps its error and names its code in the event', async () => {
    await submitted(store(), 'a');
    await started(store(), 'a');
    const error = { code: 'workflow_error', message: 'no', node: '1', classType: 'KSampler', details: { line: [1, null] } } as const;
    await store().finishAttempt(resultOf('a', 1, { state: 'failed', outputs: [], error: { ...error, details: { line: [1, null] } } }));
    expect(await store().job('a')).toMatchObject({ state: 'failed', error, outputs: [] });
    expect(await store().jobEvents({ job: 'a', after: 2 })).toMatchObject([{ type: 'failed', data: { code: 'workflow_error' } }]);
  });

  test('whoever was thought lost can neither record nor lose the next attempt', async () => {
    await submitted(store(), 'a');
    const first = await started(store(), 'a', 'c1');
    await store().loseAttempt({ job: 'a', token: first.token, at: t0 + 2_000, reason: 'it hung', counted: true });
    expect(await store().finishAttempt(resultOf('a', first.token))).toBe(false);
    const second = await started(store(), 'a', 'c2', t0 + 2_500);
    expect(second).toMatchObject({ number: 2, token: 2, promptId: 'a-2' });
    expect(await store().finishAttempt(resultOf('a', first.token))).toBe(false);
    expect(await store().loseAttempt({ job: 'a', token: first.token, at: t0, reason: '', counted: true })).toBeNull();
    expect(await store().finishAttempt(resultOf('a', second.token))).toBe(true);
    expect(await store().job('a')).toMatchObject({ state: 'succeeded', startedAt: t0 + 1_000, container: 'c2', lostContainers: 1 });
  });

  test('a lost container leads back to the queue; the third ends the job', async () => {
    await submitted(store(), 'a');
    for (const [at, reason] of [
      [2_000, 'first'],
      [3_000, 'second'],
    ] as const) {
      const { token } = await started(store(), 'a', 'c', t0 + at - 500);
      const job = await store().loseAttempt({ job: 'a', token, at: t0 + at, reason, counted: true });
      expect(job).toMatchObject({ state: 'queued', finishedAt: null, error: null });
    }
    const { token } = (await store().startAttempt({ job: 'a', container: 'c', epoch: 1, at: t0 + 3_500, coldMs: 300, reason: '' })) ?? {
      token: 0,
    };
    const job = await store().loseAttempt({ job: 'a', token, at: t0 + 4_000, reason: 'third', counted: true });
    expect(job).toMatchObject({
      state: 'failed',
      lostContainers: 3,
      attempts: 3,
      error: { code: 'containers_lost' },
      finishedAt: t0 + 4_000,
    });
    expect(job?.error?.message).toContain('third');
    expect(job?.timing).toEqual({ queue: 2_200, cold: 300, run: 1_500, store: 0 });
    expect((await store().attempts('a')).map(({ outcome, endedAt }) => [outcome, endedAt])).toEqual([
      ['lost', t0 + 2_000],
      ['lost', t0 + 3_000],
      ['lost', t0 + 4_000],
    ]);
    expect(
      (await store().jobEvents({ job: 'a', after: 0 })).map(({ seq, type, data }) => [seq, type, data['reason'] ?? data['code']]),
    ).toEqual([
      [1, 'queued', undefined],
      [2, 'started', 'it was idle'],
      [3, 'requeued', 'first'],
      [4, 'started', 'it was idle'],
      [5, 'requeued', 'second'],
      [6, 'started', ''],
      [7, 'failed', 'containers_lost'],
    ]);
  });

  test('attempts that the gateway itself abandoned do not count', async () => {
    await submitted(store(), 'a');
    for (let round = 0; round < 5; round++) {
      const { token } = await started(store(), 'a');
      const job = await store().loseAttempt({ job: 'a', token, at: t0 + 2_000, reason: 'restart', counted: false });
      expect(job).toMatchObject({ state: 'queued', lostContainers: 0, attempts: round + 1 });
    }
    expect(await store().attempts('a')).toMatchObject([1, 2, 3, 4, 5].map((number) => ({ number, outcome: 'abandoned' })));
    expect(await store().jobEvents({ job: 'a', after: 10 })).toMatchObject([
      { type: 'requeued', data: { reason: 'restart', counted: false } },
    ]);
  });
}

function endingContract(store: () => Store): void {
  test('a queued job is cancelled at once', async () => {
    await submitted(store(), 'a');
    const job = await store().requestCancel({ job: 'a', at: t0 + 500 });
    expect(job).toMatchObject({ state: 'canceled', error: { code: 'canceled' }, finishedAt: t0 + 500, cancelRequested: false });
    expect(job?.timing).toEqual({ queue: 500, cold: 0, run: 0, store: 0 });
    expect(await store().startAttempt({ job: 'a', container: 'c', epoch: 1, at: t0, coldMs: 0, reason: '' })).toBeNull();
    expect(await store().jobEvents({ job: 'a', after: 1 })).toMatchObject([{ type: 'canceled', data: { code: 'canceled' } }]);
    expect(await store().requestCancel({ job: 'a', at: t0 + 900 })).toEqual(job);
  });

  test('a running job is asked once and goes on until its attempt ends', async () => {
    await submitted(store(), 'a');
    await started(store(), 'a');
    expect(await store().requestCancel({ job: 'a', at: t0 + 2_000 })).toMatchObject({ state: 'running', cancelRequested: true });
    await store().requestCancel({ job: 'a', at: t0 + 2_001 });
    expect((await store().jobEvents({ job: 'a', after: 2 })).map(({ type }) => type)).toEqual(['cancel_requested']);
    expect(await store().finishAttempt(resultOf('a', 1, { state: 'canceled', outputs: [] }))).toBe(true);
    expect(await store().job('a')).toMatchObject({ state: 'canceled', cancelRequested: true });
  });

  test('a job that is being cancelled does not go back to the queue when its container is lost', async () => {
    await submitted(store(), 'a');
    const { token } = await started(store(), 'a');
    await store().requestCancel({ job: 'a', at: t0 + 2_000 });
    const job = await store().loseAttempt({ job: 'a', token, at: t0 + 3_000, reason: 'it died', counted: true });
    expect(job).toMatchObject({ state: 'canceled', error: { code: 'canceled' }, finishedAt: t0 + 3_000 });
    expect((await store().jobEvents({ job: 'a', after: 3 })).map(({ seq, type }) => [seq, type])).toEqual([[4, 'canceled']]);
  });

  test.each(['expired', 'failed', 'canceled'] as const)('a queued job ends as %s', async (state) => {
    await submitted(store(), 'a');
    const error = { code: 'expired', message: 'too late' } as const;
    expect(await store().endQueued({ job: 'a', state, at: t0 + 9, error })).toBe(true);
    expect(await store().job('a')).toMatchObject({ state, error, finishedAt: t0 + 9 });
    expect(await store().endQueued({ job: 'a', state, at: t0 + 10, error })).toBe(false);
    expect(await store().jobEvents({ job: 'a', after: 1 })).toMatchObject([{ seq: 2, type: state, data: { code: 'expired' } }]);
  });

  test('a running job does not end as a queued one', async () => {
    await submitted(store(), 'a');
    await started(store(), 'a');
    expect(await store().endQueued({ job: 'a', state: 'expired', at: t0, error: null })).toBe(false);
  });

  const endings: [string, string, (id: string) => Promise<unknown>][] = [
    ['a result', 'succeeded', async (id) => store().finishAttempt(resultOf(id, (await started(store(), id)).token))],
    ['an end in the queue', 'expired', (id) => store().endQueued({ job: id, state: 'expired', at: t0 + 5_000, error: null })],
    ['a cancel in the queue', 'canceled', (id) => store().requestCancel({ job: id, at: t0 + 5_000 })],
    [
      'a container lost while being cancelled',
      'canceled',
      async (id) => {
        const { token } = await started(store(), id);
        await store().requestCancel({ job: id, at: t0 + 4_000 });
        await store().loseAttempt({ job: id, token, at: t0 + 5_000, reason: '', counted: true });
      },
    ],
  ];
  test.each(endings)('%s leaves a webhook delivery', async (_, state, end) => {
    await submitted(store(), 'a', { webhook: 'https://example.org/hook' });
    await submitted(store(), 'quiet');
    expect(await store().deliveries('a')).toEqual([]);
    await end('a');
    await end('quiet');
    const delivery = {
      id: 'msg_a',
      job: 'a',
      url: 'https://example.org/hook',
      event: `job.${state}`,
      state: 'pending',
      tries: 0,
      nextAt: t0 + 5_000,
      lastStatus: null,
      lastError: null,
      createdAt: t0 + 5_000,
    };
    expect(await store().deliveries('a')).toEqual([delivery]);
    expect(await store().dueDeliveries({ at: t0 + 4_999, limit: 10 })).toEqual([]);
    expect(await store().dueDeliveries({ at: t0 + 5_000, limit: 10 })).toEqual([delivery]);
  });
}
