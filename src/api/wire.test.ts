import { describe, expect, test } from 'vitest';
import { containerOf, deploymentOf, outputOf, requestOf, revisionOf, t0 } from '../../test/contract/store-samples.ts';
import type { Job } from '../jobs/job.ts';
import { deploymentPath, wireContainer, wireDelivery, wireDeployment, wireJob, wireTime } from './wire.ts';

const job = (change: Partial<Job> = {}): Job => {
  const { idempotency: _idempotency, ...request } = requestOf();
  return {
    ...request,
    id: 'job-1',
    state: 'queued',
    cancelRequested: false,
    createdAt: t0,
    startedAt: null,
    finishedAt: null,
    attempts: 0,
    lostContainers: 0,
    token: 0,
    container: null,
    error: null,
    outputs: [],
    timing: null,
    usage: null,
    ...change,
  };
};

test('times are RFC 3339 with milliseconds and Z', () => {
  expect(wireTime(0)).toBe('1970-01-01T00:00:00.000Z');
  expect(wireTime(1_780_000_000_123.7)).toBe('2026-05-28T20:26:40.123Z');
});

describe('a job', () => {
  test('says what it waits for only while it does', () => {
    expect(wireJob(job(), 'a GPU').waiting_for).toBe('a GPU');
    expect(wireJob(job({ state: 'running' }), 'a GPU').waiting_for).toBeNull();
  });

  test('has a cost with its formula, or says that no price is set', () => {
    const usage = { containerSeconds: 36, share: 0.5, gpu: 'A10G', usd: 0.005 };
    expect(wireJob(job({ usage }), null).usage).toEqual({
      container_seconds: 36,
      share: 0.5,
      gpu: 'A10G',
      usd: 0.005,
      formula: 'container_seconds x share x price per hour / 3600',
    });
    expect(wireJob(job({ usage: { ...usage, usd: null } }), null).usage).toMatchObject({ usd: null, formula: 'no price set' });
  });

  test('keeps the graph and the fencing token to itself', () => {
    const wire = wireJob(job({ outputs: [outputOf(null, { text: 'hello' }), outputOf('blake3:a', { index: 1 })] }), null);
    expect(wire).not.toHaveProperty('graph');
    expect(wire).not.toHaveProperty('token');
    expect(wire.outputs).toMatchObject([
      { text: 'hello', asset: null },
      { asset: 'blake3:a', url: '/fleet/v1/jobs/job-1/outputs/1' },
    ]);
    expect(wire.outputs[1]).not.toHaveProperty('text');
  });

  test('says what to do about its error', () => {
    const error = { code: 'out_of_memory', message: 'too big', node: '3', classType: 'KSampler', details: { bytes: 5 } } as const;
    expect(wireJob(job({ state: 'failed', error }), null).error).toEqual({
      code: 'out_of_memory',
      message: 'too big',
      next: 'Use a smaller picture or batch, or a larger GPU.',
      node: '3',
      class_type: 'KSampler',
      details: { bytes: 5 },
    });
  });
});

describe('a container', () => {
  test('counts its seconds and money until now', () => {
    const container = containerOf('c', { share: 0.5, usdPerHour: 7.2, busySeconds: 15 });
    expect(wireContainer(container, t0 + 40_000)).toMatchObject({
      seconds: { starting: 10, busy: 15, idle: 15 },
      usd: (40 * 0.5 * 7.2) / 3600,
    });
  });

  test('whose running stretch is counted already is not counted twice', () => {
    const living = { ...containerOf('c', { busySeconds: 15 }), busySince: t0 + 25_000 };
    expect(wireContainer(living, t0 + 40_000).seconds).toEqual({ starting: 10, busy: 15, idle: 15 });
  });

  test('does not say where it listens', () => {
    expect(JSON.stringify(wireContainer(containerOf('c'), t0))).not.toContain('8400');
  });
});

test('a deployment that has no queue yet has an empty one', () => {
  const deployment = deploymentOf('collage', { environment: 'staging' });
  const wire = wireDeployment(deployment, revisionOf('r', 'collage').workflow, null);
  expect(wire.queue).toEqual({
    queued: 0,
    running: 0,
    oldest_queued_at: null,
    desired_containers: 0,
    target_containers: 0,
    held_by: null,
    note: null,
  });
  expect(deploymentPath(deployment)).toBe('/d/collage@staging/');
});

test('a delivery that is done has no next try', () => {
  const delivery = {
    id: 'd',
    job: 'j',
    url: 'https://example.com/',
    event: 'job.succeeded',
    state: 'delivered' as const,
    tries: 1,
    nextAt: t0,
    lastStatus: 200,
    lastError: null,
    createdAt: t0,
  };
  expect(wireDelivery(delivery).next_at).toBeNull();
  expect(wireDelivery({ ...delivery, state: 'pending' }).next_at).toBe(wireTime(t0));
});
