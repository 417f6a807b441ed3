import { expect, test } from 'vitest';
import { workflowClass } from '../../src/fleet/learning/workflow-class.ts';
import type { Arrival, Store } from '../../src/store/store.ts';
import { containerOf, hour, requestOf, resultOf, started, submitted, t0 } from './store-samples.ts';

const window = { deployment: 'collage', environment: 'production', from: t0, to: t0 + hour };
const usual = workflowClass(requestOf().graph);
const longer = { graph: { 1: { class_type: 'KSampler', inputs: { steps: 50 } } } };

/** A job that ended with so much GPU time. */
async function ran(
  store: Store,
  id: string,
  at: number,
  gpuMs: number | null,
  change: Parameters<typeof submitted>[2] = {},
): Promise<void> {
  await submitted(store, id, change, at);
  const { token } = await started(store, id, 'container-1', at);
  await store.finishAttempt(resultOf(id, token, { at: at + 5_000, outputs: [], gpuMs }));
}

async function allArrivals(store: Store, limit: number): Promise<Arrival[]> {
  const seen: Arrival[] = [];
  for (;;) {
    const page = await store.arrivals({ ...window, after: seen.at(-1)?.place ?? null, limit });
    if (page.length === 0) return seen;
    expect(page.length).toBeLessThanOrEqual(limit);
    seen.push(...page);
  }
}

export function tracesContract(store: () => Store): void {
  test('arrivals of a window come in their order, page by page, with what is known of their GPU time', async () => {
    await ran(store(), 'before', t0 - 1, 1);
    // Stored in another order than they came in, two of them at the same time.
    await ran(store(), 'second', t0 + 20, 3_000, { key: 'key-1', modelKey: 'flux' });
    await ran(store(), 'first', t0, 2_000);
    await ran(store(), 'third', t0 + 20, null);
    await submitted(store(), 'fourth', longer, t0 + 30);
    await ran(store(), 'other', t0 + 5, 1, { deployment: 'other' });
    await ran(store(), 'staging', t0 + 5, 1, { environment: 'staging' });
    await submitted(store(), 'after', {}, t0 + hour);
    const arrivals = await allArrivals(store(), 2);
    const succeeded = { state: 'succeeded', key: null, modelKey: 'sd15', workflow: usual };
    expect(arrivals).toMatchObject([
      { ...succeeded, at: t0, gpuMs: 2_000, finishedAt: t0 + 5_000 },
      { ...succeeded, at: t0 + 20, gpuMs: 3_000, finishedAt: t0 + 5_020, key: 'key-1', modelKey: 'flux' },
      // Not heard: its run time.
      { ...succeeded, at: t0 + 20, gpuMs: 3_900 },
      { state: 'queued', at: t0 + 30, gpuMs: null, finishedAt: null, workflow: workflowClass(longer.graph) },
    ]);
    expect(arrivals).toHaveLength(4);
    expect(await allArrivals(store(), 100)).toEqual(arrivals);
  });

  test('a run time of several attempts, or of a job that did not succeed, stands for no GPU time', async () => {
    await submitted(store(), 'retried');
    const { token } = await started(store(), 'retried');
    await store().loseAttempt({ job: 'retried', token, at: t0 + 2_000, reason: '', counted: true });
    const second = await started(store(), 'retried', 'container-2', t0 + 2_000);
    await store().finishAttempt(resultOf('retried', second.token, { outputs: [], gpuMs: null }));
    await submitted(store(), 'failed', {}, t0 + 1);
    const attempt = await started(store(), 'failed');
    await store().finishAttempt(resultOf('failed', attempt.token, { state: 'failed', outputs: [], gpuMs: null }));
    expect((await allArrivals(store(), 10)).map(({ gpuMs }) => gpuMs)).toEqual([null, null]);
  });

  test('mean GPU times by workflow class are those of jobs that succeeded in the window', async () => {
    expect(await store().gpuTimes(window)).toEqual([]);
    await ran(store(), 'a', t0, 2_000);
    await ran(store(), 'b', t0 + 1, 4_000);
    await ran(store(), 'c', t0 + 2, 9_000, longer);
    await ran(store(), 'd', t0 - 1, 90_000);
    await submitted(store(), 'e', {}, t0 + 3);
    const { token } = await started(store(), 'e');
    await store().finishAttempt(resultOf('e', token, { state: 'failed', outputs: [], gpuMs: 1 }));
    const expected = [
      { workflow: usual, jobs: 2, meanMs: 3_000 },
      { workflow: workflowClass(longer.graph), jobs: 1, meanMs: 9_000 },
    ];
    expect(await store().gpuTimes(window)).toEqual(expected.sort((one, other) => (one.workflow < other.workflow ? -1 : 1)));
  });

  test('the n-th newest arrival', async () => {
    for (let n = 0; n < 5; n++) await submitted(store(), `job-${n}`, {}, t0 + n);
    const nth = (n: number) => store().arrivalFromEnd({ ...window, n });
    expect([await nth(1), await nth(5), await nth(6)]).toEqual([t0 + 4, t0, null]);
  });

  test('usage of one deployment leaves out those of others, also of the same name elsewhere', async () => {
    const of = { deployment: 'collage', environment: 'production' };
    await store().saveContainer(containerOf('mine', { state: 'stopped', stoppedAt: t0 + 60_000 }));
    await store().saveContainer(containerOf('staging', { environment: 'staging', state: 'stopped', stoppedAt: t0 + 60_000 }));
    await store().saveContainer(containerOf('other', { deployment: 'other', state: 'stopped', stoppedAt: t0 + 60_000 }));
    const seconds = async (input: Parameters<Store['usage']>[0]): Promise<number> =>
      (await store().usage(input)).reduce(
        (sum, { startingSeconds, idleSeconds, busySeconds }) => sum + startingSeconds + idleSeconds + busySeconds,
        0,
      );
    expect(await seconds({ from: t0, to: t0 + hour, of })).toBe(60);
    expect(await seconds({ from: t0, to: t0 + hour })).toBe(180);
  });
}
