import { expect, test } from 'vitest';
import type { ContainerFilter, DecisionRecord, Store } from '../../src/store/store.ts';
import type { Key } from '../../src/workspaces/keys.ts';
import { containerOf, deploymentOf, hour, resultOf, revisionOf, started, submitted, t0 } from './store-samples.ts';

const decisionOf = (seq: number, deployment = 'collage'): DecisionRecord => ({
  seq,
  at: t0 + seq,
  deployment,
  environment: 'production',
  kind: 'scale',
  reason: `reason ${seq}`,
  data: { summary: { queued: seq }, memory: null },
  hash: `hash-${seq}`,
});

export function fleetContract(store: () => Store): void {
  test('deployments are written whole, and one of an environment is the default', async () => {
    const a = deploymentOf('a', { default: true, createdAt: t0 });
    const b = deploymentOf('b', { createdAt: t0 + 1 });
    const staging = deploymentOf('a', { environment: 'staging', default: true, createdAt: t0 + 2 });
    await store().saveDeployment({ deployment: a, revision: revisionOf('a-1', 'a') });
    await store().saveDeployment({ deployment: b, revision: revisionOf('b-1', 'b', ['blake3:background']) });
    await store().saveDeployment({ deployment: staging, revision: null });
    expect(await store().deployments()).toEqual([a, b, staging]);
    const changed = { ...b, default: true, revision: 'b-2', updatedAt: t0 + 5 };
    await store().saveDeployment({ deployment: changed, revision: revisionOf('b-2', 'b') });
    expect(await store().deployments()).toEqual([{ ...a, default: false }, changed, staging]);
    expect(await store().revision('b-1')).toEqual(revisionOf('b-1', 'b', ['blake3:background']));
    expect(await store().revision('none')).toBeNull();
  });

  test('a revision never changes', async () => {
    await store().saveDeployment({ deployment: deploymentOf('a'), revision: revisionOf('a-1', 'a') });
    await store().saveDeployment({ deployment: deploymentOf('a'), revision: { ...revisionOf('a-1', 'a'), release: 'other' } });
    expect(await store().revision('a-1')).toMatchObject({ release: 'local' });
  });

  test('of two writes of a container the higher epoch wins', async () => {
    await store().saveContainer(containerOf('c', { epoch: 2, state: 'ready' }));
    await store().saveContainer(containerOf('c', { epoch: 1, state: 'stopped', stoppedAt: t0 }));
    expect(await store().containers({ limit: 10 })).toEqual([containerOf('c', { epoch: 2 })]);
    await store().saveContainer(containerOf('c', { epoch: 2, state: 'busy' }));
    expect(await store().containers({ limit: 10 })).toEqual([containerOf('c', { epoch: 2, state: 'busy' })]);
    await store().saveContainer(containerOf('c', { epoch: 3, state: 'draining' }));
    expect(await store().containers({ limit: 10 })).toEqual([containerOf('c', { epoch: 3, state: 'draining' })]);
  });

  test('containers are listed newest first, by life and deployment', async () => {
    await store().saveContainer(containerOf('c1', { startedAt: t0 + 1 }));
    await store().saveContainer(containerOf('c3', { startedAt: t0 + 3, deployment: 'other' }));
    await store().saveContainer(containerOf('c2', { startedAt: t0 + 2, state: 'stopped', stoppedAt: t0 + 9 }));
    await store().saveContainer(containerOf('c4', { startedAt: t0 + 4, state: 'failed', failure: { code: 'crashed', message: 'x' } }));
    const ids = async (filter: Partial<ContainerFilter>) => (await store().containers({ limit: 10, ...filter })).map(({ id }) => id);
    expect(await ids({})).toEqual(['c4', 'c3', 'c2', 'c1']);
    expect(await ids({ limit: 2 })).toEqual(['c4', 'c3']);
    expect(await ids({ alive: true })).toEqual(['c3', 'c1']);
    expect(await ids({ alive: false, deployment: 'collage' })).toEqual(['c4', 'c2', 'c1']);
    expect(await ids({ alive: true, deployment: 'collage' })).toEqual(['c1']);
    expect(await ids({ id: 'c2' })).toEqual(['c2']);
    expect(await ids({ id: 'none' })).toEqual([]);
  });

  test('containers come in pages, also those that started at the same moment', async () => {
    const all = Array.from({ length: 7 }, (_, n) => containerOf(`c${n}`, { startedAt: t0 + Math.floor(n / 3) }));
    for (const one of all) await store().saveContainer(one);
    const seen: string[] = [];
    for (let page = await store().containers({ limit: 2 }); page.length > 0;) {
      seen.push(...page.map(({ id }) => id));
      page = await store().containers({ limit: 2, before: page.at(-1)! });
    }
    expect(seen).toEqual(['c6', 'c5', 'c4', 'c3', 'c2', 'c1', 'c0']);
  });

  test('usage counts what lies in the window, by deployment and GPU', async () => {
    const whole = { startedAt: t0, readyAt: t0 + 10_000, state: 'stopped', stoppedAt: t0 + 110_000, busySeconds: 25 } as const;
    await store().saveContainer(containerOf('whole', { ...whole, usdPerHour: 3.6, share: 0.5 }));
    await store().saveContainer(containerOf('free', whole));
    await store().saveContainer(containerOf('cpu', { ...whole, deployment: 'other', gpu: null }));
    await store().saveContainer(containerOf('living', { deployment: 'third', startedAt: t0, readyAt: null, state: 'starting' }));
    await store().saveContainer(containerOf('before', { startedAt: t0 - hour, state: 'stopped', stoppedAt: t0 }));
    await store().saveContainer(containerOf('after', { startedAt: t0 + 200_000 }));
    expect(await store().usage({ from: t0, to: t0 + 200_000 })).toEqual([
      {
        deployment: 'collage',
        gpu: 'A10G',
        startingSeconds: 20,
        busySeconds: 50,
        idleSeconds: 150,
        usd: expect.closeTo(0.055, 9) as number,
      },
      { deployment: 'other', gpu: null, startingSeconds: 10, busySeconds: 25, idleSeconds: 75, usd: null },
      { deployment: 'third', gpu: 'A10G', startingSeconds: 200, busySeconds: 0, idleSeconds: 0, usd: null },
    ]);
    // Half of the serving time, and of the busy seconds in it.
    expect(await store().usage({ from: t0 + 60_000, to: t0 + 200_000 })).toMatchObject([
      { deployment: 'collage', startingSeconds: 0, busySeconds: 25, idleSeconds: 75 },
      { deployment: 'other', startingSeconds: 0, busySeconds: 12.5, idleSeconds: 37.5 },
      { deployment: 'third', startingSeconds: 140 },
    ]);
  });

  test('decisions come newest first, page by number', async () => {
    for (const seq of [1, 2, 3]) await store().recordDecision(decisionOf(seq));
    const other = { ...decisionOf(4, 'other'), environment: 'staging' };
    await store().recordDecision(other);
    expect(await store().decisions({ limit: 2 })).toEqual([other, decisionOf(3)]);
    expect(await store().decisions({ limit: 2, before: 3 })).toEqual([decisionOf(2), decisionOf(1)]);
    expect(await store().decisions({ limit: 2, deployment: 'collage' })).toEqual([decisionOf(3), decisionOf(2)]);
    expect(await store().decisions({ limit: 2, deployment: 'collage', before: 2 })).toEqual([decisionOf(1)]);
  });

  test('a decision whose number was used gets the next one', async () => {
    await store().recordDecision(decisionOf(7));
    await store().recordDecision({ ...decisionOf(1), reason: 'after a restart' });
    expect(await store().decisions({ limit: 5 })).toMatchObject([{ seq: 8, reason: 'after a restart' }, { seq: 7 }]);
  });

  test('keys are written by id and listed oldest first', async () => {
    const key: Key = {
      id: 'k1',
      workspace: 'default',
      name: 'ci',
      hash: 'abc',
      tail: 'wxyz',
      role: 'invoke',
      createdAt: t0 + 1,
      revokedAt: null,
      lastUsedAt: null,
    };
    await store().saveKey(key);
    await store().saveKey({ ...key, id: 'k2', createdAt: t0 });
    await store().saveKey({ ...key, revokedAt: t0 + 9, lastUsedAt: t0 + 5 });
    expect(await store().keys()).toEqual([
      { ...key, id: 'k2', createdAt: t0 },
      { ...key, revokedAt: t0 + 9, lastUsedAt: t0 + 5 },
    ]);
  });

  test('a lease: its holder keeps the epoch, others wait for its end, and each new term has the next epoch', async () => {
    const acquire = (holder: string, at: number, more: { takeOver?: boolean; name?: string } = {}) =>
      store().acquireLease({ name: 'controller', holder, at, ttlMs: 1_000, ...more });
    expect(await acquire('a', t0)).toBe(1);
    expect(await acquire('a', t0 + 900)).toBe(1);
    expect(await acquire('b', t0 + 1_899)).toBeNull();
    expect(await acquire('b', t0 + 1_900)).toBe(2);
    expect(await acquire('a', t0 + 2_000)).toBeNull();
    expect(await acquire('b', t0 + 5_000)).toBe(3);
    expect(await acquire('a', t0 + 5_001, { takeOver: true })).toBe(4);
    expect(await acquire('a', t0 + 5_002, { takeOver: true })).toBe(4);
    expect(await acquire('b', t0 + 5_003)).toBeNull();
    expect(await acquire('b', t0, { name: 'another' })).toBe(1);
  });

  test('deliveries: due ones oldest first, tries and ends kept', async () => {
    for (const [i, id] of ['a', 'b', 'c'].entries()) {
      await submitted(store(), id, { webhook: 'https://example.org/hook' });
      await started(store(), id);
      await store().finishAttempt(resultOf(id, 1, { at: t0 + 100 - i, state: 'failed', outputs: [] }));
    }
    const due = await store().dueDeliveries({ at: t0 + 100, limit: 2 });
    expect(due.map(({ id, event }) => [id, event])).toEqual([
      ['msg_c', 'job.failed'],
      ['msg_b', 'job.failed'],
    ]);
    const [c, b] = due;
    if (!c || !b) throw new Error('nothing due');
    const tried = { ...c, tries: 1, nextAt: t0 + 5_000, lastStatus: 500, lastError: 'no' };
    await store().saveDelivery(tried);
    await store().saveDelivery({ ...b, state: 'dead', tries: 9 });
    expect(await store().deliveries('c')).toEqual([tried]);
    expect((await store().dueDeliveries({ at: t0 + 4_999, limit: 9 })).map(({ id }) => id)).toEqual(['msg_a']);
    expect((await store().dueDeliveries({ at: t0 + 5_000, limit: 9 })).map(({ id }) => id)).toEqual(['msg_a', 'msg_c']);
    await store().saveDelivery({ ...tried, id: 'msg_c_again', createdAt: t0 + 9_000 });
    expect((await store().deliveries('c')).map(({ id }) => id)).toEqual(['msg_c', 'msg_c_again']);
    await store().saveDelivery({ ...tried, id: 'msg_gone', job: 'swept' });
    expect(await store().deliveries('swept')).toEqual([]);
  });

  test('documents are JSON by name', async () => {
    expect(await store().document('definitions')).toBeNull();
    await store().saveDocument({ name: 'definitions', value: { KSampler: { input: [1, null, 'ä'] } }, at: t0 });
    await store().saveDocument({ name: 'secret', value: 'whsec_1', at: t0 });
    expect(await store().document('definitions')).toEqual({ KSampler: { input: [1, null, 'ä'] } });
    await store().saveDocument({ name: 'definitions', value: [2], at: t0 + 1 });
    expect(await store().document('definitions')).toEqual([2]);
    expect(await store().document('secret')).toBe('whsec_1');
  });
}
