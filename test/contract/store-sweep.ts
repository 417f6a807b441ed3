import { expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { containerOf, deploymentOf, hour, outputOf, requestOf, revisionOf, started, submitted, succeeded, t0 } from './store-samples.ts';

/** Keeps everything, unless told otherwise. */
const keep = { at: t0 + 100 * hour, jobsBefore: 0, outputsBefore: 0, uploadsBefore: 0, limit: 100 };

export function sweepContract(store: () => Store): void {
  test('finished jobs that are old go with all that is theirs; unfinished ones stay, whatever their age', async () => {
    await succeeded(store(), 'old', t0, { webhook: 'https://example.org' }, [outputOf('blake3:old')]);
    await succeeded(store(), 'young', t0 + hour);
    await submitted(store(), 'queued');
    await submitted(store(), 'running');
    await started(store(), 'running');
    expect(await store().sweep({ ...keep, jobsBefore: t0 + hour })).toEqual({ jobs: 1, assets: ['blake3:old'], more: false });
    expect((await store().jobs({ limit: 10 })).items.map(({ id }) => id)).toEqual(['running', 'queued', 'young']);
    expect(await store().job('old')).toBeNull();
    expect(await store().attempts('old')).toEqual([]);
    expect(await store().jobEvents({ job: 'old', after: 0 })).toEqual([]);
    expect(await store().deliveries('old')).toEqual([]);
    expect(await store().dueDeliveries({ at: keep.at, limit: 10 })).toEqual([]);
    await submitted(store(), 'next');
    expect(await store().jobEvents({ job: 'next', after: 0 })).toHaveLength(1);
  });

  test('at most `limit` jobs go at once, the oldest first', async () => {
    for (let i = 0; i < 5; i++) await succeeded(store(), `job-${i}`, t0 + i, {}, [outputOf(`blake3:${i}`)]);
    const input = { ...keep, jobsBefore: t0 + hour, limit: 2 };
    const left = async () => (await store().jobs({ limit: 10 })).items.map(({ id }) => id);
    const first = await store().sweep(input);
    expect(first).toEqual({ jobs: 2, assets: [], more: true });
    expect(await left()).toEqual(['job-4', 'job-3', 'job-2']);
    const assets: string[] = [];
    for (let calls = 0; calls < 10; calls++) {
      const swept = await store().sweep(input);
      assets.push(...swept.assets);
      if (!swept.more) break;
    }
    expect(await left()).toEqual([]);
    expect(assets.toSorted()).toEqual([0, 1, 2, 3, 4].map((i) => `blake3:${i}`));
  });

  test('outputs are forgotten, text too, and the job remains', async () => {
    const outputs = [outputOf('blake3:1'), outputOf(null, { index: 1, kind: 'text', mime: 'text/plain', text: 'seven' })];
    await succeeded(store(), 'a', t0, {}, outputs);
    expect(await store().sweep({ ...keep, outputsBefore: t0 })).toEqual({ jobs: 0, assets: [], more: false });
    expect((await store().job('a'))?.outputs).toEqual(outputs);
    expect(await store().sweep({ ...keep, outputsBefore: t0 + 1 })).toEqual({ jobs: 0, assets: ['blake3:1'], more: false });
    const { text: _, ...withoutText } = outputs[1] ?? outputOf(null);
    expect((await store().job('a'))?.outputs).toEqual([outputOf(null), withoutText]);
    expect(await store().sweep({ ...keep, outputsBefore: t0 + 1 })).toEqual({ jobs: 0, assets: [], more: false });
  });

  test('an output that a younger job names as well stays', async () => {
    await succeeded(store(), 'old', t0, {}, [outputOf('blake3:same')]);
    await succeeded(store(), 'young', t0 + hour, {}, [outputOf('blake3:same')]);
    expect((await store().sweep({ ...keep, outputsBefore: t0 + hour })).assets).toEqual([]);
    expect((await store().job('old'))?.outputs[0]?.asset).toBeNull();
    expect((await store().job('young'))?.outputs[0]?.asset).toBe('blake3:same');
    expect((await store().sweep({ ...keep, outputsBefore: t0 + hour + 1 })).assets).toEqual(['blake3:same']);
  });

  test('uploads go by their last use', async () => {
    const touch = (id: string, at: number) => store().touchAsset({ id, bytes: 1, kind: 'upload', at });
    await touch('blake3:once', t0);
    await touch('blake3:again', t0);
    await touch('blake3:again', t0 + 2 * hour);
    await touch('blake3:again', t0 + hour);
    await touch('blake3:used', t0);
    await submitted(store(), 'a', { files: [{ name: 'x', asset: 'blake3:used' }] }, t0 + 2 * hour);
    await store().endQueued({ job: 'a', state: 'canceled', at: t0 + 2 * hour, error: null });
    expect((await store().sweep({ ...keep, uploadsBefore: t0 + 2 * hour })).assets).toEqual(['blake3:once']);
    expect((await store().sweep({ ...keep, uploadsBefore: t0 + 2 * hour + 1 })).assets.toSorted()).toEqual(['blake3:again', 'blake3:used']);
  });

  test('an upload stays while an unfinished job reads it', async () => {
    await store().touchAsset({ id: 'blake3:in', bytes: 1, kind: 'upload', at: t0 });
    await submitted(store(), 'a', { files: [{ name: 'x', asset: 'blake3:in' }] }, t0 + 1);
    const input = { ...keep, uploadsBefore: t0 + 50 * hour };
    expect((await store().sweep(input)).assets).toEqual([]);
    await started(store(), 'a');
    expect((await store().sweep(input)).assets).toEqual([]);
    await store().finishAttempt({
      job: 'a',
      token: 1,
      at: t0 + 5,
      state: 'failed',
      outputs: [],
      error: null,
      history: null,
      timing: { queue: 0, cold: 0, run: 0, store: 0 },
      gpuMs: null,
      usage: { containerSeconds: 0, share: 0, gpu: null, usd: null },
    });
    expect((await store().sweep(input)).assets).toEqual(['blake3:in']);
  });

  test('files of a workflow stay while a revision has them', async () => {
    const touch = (id: string, kind: 'workflow' | 'upload') => store().touchAsset({ id, bytes: 1, kind, at: t0 });
    await touch('blake3:background', 'workflow');
    await touch('blake3:background', 'upload');
    await touch('blake3:refused', 'workflow');
    await store().saveDeployment({ deployment: deploymentOf('a'), revision: revisionOf('a-1', 'a', ['blake3:background']) });
    expect((await store().sweep({ ...keep, uploadsBefore: t0 + hour, outputsBefore: t0 + hour })).assets).toEqual(['blake3:refused']);
  });

  test('a file that is an upload and an output goes when it is neither', async () => {
    await store().touchAsset({ id: 'blake3:both', bytes: 1, kind: 'upload', at: t0 });
    await succeeded(store(), 'a', t0 + hour, {}, [outputOf('blake3:both')]);
    expect((await store().sweep({ ...keep, uploadsBefore: t0 + 1 })).assets).toEqual([]);
    expect((await store().sweep({ ...keep, outputsBefore: t0 + hour + 1 })).assets).toEqual(['blake3:both']);
  });

  test('old decisions, ended containers and idempotency keys go', async () => {
    for (const seq of [1, 2]) {
      const at = t0 + seq * hour;
      await store().recordDecision({
        seq,
        at,
        deployment: 'collage',
        environment: 'production',
        kind: 'scale',
        reason: '',
        data: {},
        hash: '',
      });
      await store().saveContainer(containerOf(`c${seq}`, { state: 'stopped', stoppedAt: at }));
    }
    await store().saveContainer(containerOf('living', { startedAt: t0 - hour }));
    expect((await store().sweep({ ...keep, jobsBefore: t0 + 2 * hour, limit: 1 })).more).toBe(true);
    expect((await store().sweep({ ...keep, jobsBefore: t0 + 2 * hour, limit: 5 })).more).toBe(false);
    expect((await store().decisions({ limit: 10 })).map(({ seq }) => seq)).toEqual([2]);
    expect((await store().containers({ limit: 10 })).map(({ id }) => id)).toEqual(['c2', 'living']);
  });

  test('an Idempotency-Key whose job was swept is new again', async () => {
    const idempotency = { key: 'k', bodyHash: 'h' };
    await succeeded(store(), 'a', t0, { idempotency });
    await store().sweep({ ...keep, at: t0 + hour, jobsBefore: t0 + hour });
    expect(await store().submit({ id: 'b', at: t0 + hour, request: requestOf({ idempotency }) })).toMatchObject({ kind: 'accepted' });
    expect(await store().submit({ id: 'c', at: t0 + hour, request: requestOf({ idempotency }) })).toMatchObject({
      kind: 'known',
      job: { id: 'b' },
    });
  });
}
