import { createHmac } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resultOf, started, submitted, succeeded, t0 } from '../../test/contract/store-samples.ts';
import { seededRandom, settle, VirtualClock } from '../../test/support/virtual-clock.ts';
import { ComfleetError } from '../errors.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import type { OutboundRequest, SafeFetch } from './safe-fetch.ts';
import { createWebhooks, retryDelays, type Webhooks } from './webhooks.ts';

interface Call extends OutboundRequest {
  readonly url: string;
  readonly at: number;
}

let store: Store;
let clock: VirtualClock;
let webhooks: Webhooks;
let calls: Call[];
let answer: (call: Call) => Promise<number> | number;
let reported: unknown[];

const open = (used: Store = store): Webhooks => {
  const fetch: SafeFetch = async (url, request) => {
    const call = { ...request, url, at: clock.now() };
    calls.push(call);
    return { status: await answer(call), headers: {}, url: new URL(url), body: Readable.from(['ok']) };
  };
  return createWebhooks({
    store: used,
    clock,
    random: seededRandom(3, clock),
    fetch,
    describe: ({ id, state }) => ({ id, state }),
    report: (error) => reported.push(error),
  });
};

beforeEach(() => {
  store = createMemoryStore();
  clock = new VirtualClock(t0);
  calls = [];
  reported = [];
  answer = () => 200;
  webhooks = open();
});
afterEach(() => webhooks.stop());

const hook = 'https://receiver.example/hook';
const finished = (id: string, url = hook): Promise<void> => succeeded(store, id, clock.now(), { webhook: url });
const delivery = async (job: string) => (await store.deliveries(job))[0]!;

describe('a call', () => {
  test('carries the job, signed by Standard Webhooks', async () => {
    await finished('job-1');
    webhooks.start();
    await clock.runFor(1);
    const [call] = calls;
    expect(calls).toHaveLength(1);
    expect(call).toMatchObject({ url: hook, method: 'POST', headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(call!.body!)).toEqual({
      type: 'job.succeeded',
      timestamp: new Date(t0).toISOString(),
      data: { id: 'job-1', state: 'succeeded' },
    });
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = call!.headers!;
    const secret = await webhooks.secret();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    expect(key).toHaveLength(32);
    expect(timestamp).toBe(String(t0 / 1000));
    expect(signature).toBe(`v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${call!.body}`).digest('base64')}`);
    expect(await delivery('job-1')).toMatchObject({ id, state: 'delivered', tries: 1, lastStatus: 200, lastError: null });
  });

  test('the secret is made once and kept', async () => {
    const [one, two] = await Promise.all([webhooks.secret(), webhooks.secret()]);
    expect(two).toBe(one);
    expect(await open().secret()).toBe(one);
  });

  test('is made at once when somebody says so, not before start nor after stop', async () => {
    await finished('job-1');
    webhooks.notify();
    await settle();
    expect(calls).toHaveLength(0);
    webhooks.start();
    await clock.runFor(1);
    await finished('job-2');
    webhooks.notify();
    await clock.runFor(1);
    expect(calls).toHaveLength(2);
    await webhooks.stop();
    await finished('job-3');
    webhooks.notify();
    await clock.runFor(120_000);
    expect(calls).toHaveLength(2);
  });

  test('that nobody spoke of is found within a minute', async () => {
    webhooks.start();
    await clock.runFor(1);
    await finished('job-1');
    await clock.runFor(60_000);
    expect(calls).toHaveLength(1);
  });
});

describe('tries', () => {
  test('wait ever longer, spread by up to a fifth, with the same id, until the delivery is dead', async () => {
    answer = () => 500;
    await finished('job-1');
    webhooks.start();
    const total = retryDelays.reduce((sum, delay) => sum + delay, 0);
    await clock.runFor(total * 1.3 + retryDelays.length * 60_000);
    expect(calls).toHaveLength(retryDelays.length + 1);
    retryDelays.forEach((delay, index) => {
      const waited = calls[index + 1]!.at - calls[index]!.at;
      expect(waited).toBeGreaterThanOrEqual(delay);
      // Long waits are found by the poll, up to a minute late.
      expect(waited).toBeLessThan(delay * 1.2 + 60_001);
    });
    expect(calls[1]!.at - calls[0]!.at).toBeLessThan(6_001);
    // The first wait has no poll in it: what is over five seconds was drawn.
    expect(calls[1]!.at - calls[0]!.at).toBeGreaterThan(5_000);
    expect(new Set(calls.map(({ headers }) => headers!['webhook-id'])).size).toBe(1);
    expect(new Set(calls.map(({ headers }) => headers!['webhook-timestamp'])).size).toBe(calls.length);
    expect(await delivery('job-1')).toMatchObject({
      state: 'dead',
      tries: calls.length,
      lastStatus: 500,
      lastError: 'the receiver answered 500',
    });
  });

  test('end with the first success', async () => {
    answer = () => (calls.length < 3 ? 503 : 204);
    await finished('job-1');
    webhooks.start();
    await clock.runFor(3_600_000);
    expect(await delivery('job-1')).toMatchObject({ state: 'delivered', tries: 3, lastStatus: 204, lastError: null });
  });

  test.each([
    ['a receiver that is gone for good', 410],
    ['a redirect', 302],
  ])('%s', async (_what, lastStatus) => {
    answer = () => lastStatus;
    await finished('job-1');
    webhooks.start();
    await clock.runFor(1);
    expect(await delivery('job-1')).toMatchObject({ state: lastStatus === 410 ? 'dead' : 'pending', tries: 1, lastStatus });
  });

  test('an address that is not allowed is told in its words', async () => {
    answer = () => Promise.reject(new ComfleetError('url_refused', 'the private address 10.0.0.1 is not allowed'));
    await finished('job-1');
    webhooks.start();
    await clock.runFor(1);
    expect(await delivery('job-1')).toMatchObject({
      state: 'pending',
      lastStatus: null,
      lastError: 'the private address 10.0.0.1 is not allowed',
    });
  });

  test('outlive the gateway', async () => {
    answer = () => 500;
    await finished('job-1');
    webhooks.start();
    await clock.runFor(1);
    await webhooks.stop();
    answer = () => 200;
    webhooks = open();
    webhooks.start();
    await clock.runFor(60_000);
    expect(await delivery('job-1')).toMatchObject({ state: 'delivered', tries: 2 });
  });
});

test('a receiver that hangs holds up nobody else, and only four calls of its own', async () => {
  const hanging = 'https://slow.example/hook';
  const release: ((status: number) => void)[] = [];
  answer = ({ url }) => (url === hanging ? new Promise((resolve) => release.push(resolve)) : 200);
  for (let count = 0; count < 20; count++) await finished(`slow-${count}`, hanging);
  for (let count = 0; count < 20; count++) await finished(`fast-${count}`, `https://fast-${count % 3}.example/`);
  webhooks.start();
  await clock.runFor(5_000);
  expect(calls.filter(({ url }) => url === hanging)).toHaveLength(4);
  expect(calls.filter(({ url }) => url !== hanging)).toHaveLength(20);
  answer = () => 200;
  for (const resolve of release) resolve(200);
  await clock.runFor(1);
  expect(calls).toHaveLength(40);
});

test('a store that fails is reported, and the delivery is tried again later', async () => {
  let broken = true;
  const failing: Store = { ...store, saveDelivery: (value) => (broken ? Promise.reject(new Error('disk')) : store.saveDelivery(value)) };
  webhooks = open(failing);
  await finished('job-1');
  webhooks.start();
  await clock.runFor(1_000);
  expect(reported).toHaveLength(1);
  expect(calls).toHaveLength(1);
  broken = false;
  await clock.runFor(60_000);
  expect(await delivery('job-1')).toMatchObject({ state: 'delivered' });
});

describe('replay', () => {
  test('sends it again from the first try, under its id', async () => {
    answer = () => 410;
    await finished('job-1');
    webhooks.start();
    await clock.runFor(1);
    answer = () => 200;
    expect(await webhooks.replay('job-1')).toMatchObject([{ state: 'pending', tries: 0 }]);
    await clock.runFor(1);
    expect(await delivery('job-1')).toMatchObject({ state: 'delivered', tries: 1 });
    expect(calls[1]!.headers!['webhook-id']).toBe(calls[0]!.headers!['webhook-id']);
  });

  test('needs a job that has ended and has a webhook', async () => {
    await succeeded(store, 'plain', t0);
    await submitted(store, 'queued', { webhook: hook });
    await expect(webhooks.replay('nonsense')).rejects.toMatchObject({ code: 'unknown_job' });
    await expect(webhooks.replay('queued')).rejects.toMatchObject({ code: 'job_not_finished' });
    await expect(webhooks.replay('plain')).rejects.toMatchObject({ code: 'not_found' });
  });
});

test('a failed job is told as such', async () => {
  await submitted(store, 'job-1', { webhook: hook });
  const { token } = await started(store, 'job-1');
  await store.finishAttempt(
    resultOf('job-1', token, { at: t0, state: 'failed', outputs: [], error: { code: 'timeout', message: 'late' } }),
  );
  webhooks.start();
  await clock.runFor(1);
  expect(JSON.parse(calls[0]!.body!)).toMatchObject({ type: 'job.failed', data: { state: 'failed' } });
});
