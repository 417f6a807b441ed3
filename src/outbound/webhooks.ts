import { ComfleetError } from '../errors.ts';
import type { Clock, Random, Timer } from '../fleet/clock.ts';
import { isFinal, type Job } from '../jobs/job.ts';
import type { Delivery, Store } from '../store/store.ts';
import type { SafeFetch } from './safe-fetch.ts';
import { createWebhookSecret, signedHeaders } from './webhook-signature.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Wait before each further try. After the last one the delivery is dead, until somebody replays it. */
export const retryDelays: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];

const callTimeoutMs = 15 * second;
const maxAnswerBytes = 64 * 1024;
const maxCalls = 64;
/** So that a receiver that hangs leaves room for the others. */
const maxCallsPerReceiver = 4;
const pageSize = 1_000;
/** Deliveries of an earlier life of the gateway have no timer here; this finds them. */
const safetyPollMs = minute;

export interface Webhooks {
  /** Begins with what is due. */
  start(): void;
  /** No new calls; settles when those under way have ended. */
  stop(): Promise<void>;
  /** A delivery was put into the outbox: look now. */
  notify(): void;
  /** Sends all deliveries of a finished job again, from the first try. Errors: `unknown_job`, `job_not_finished`, `not_found` without a webhook. */
  replay(job: string): Promise<Delivery[]>;
  /** What receivers check signatures with: `whsec_...`; made once per data folder. */
  secret(): Promise<string>;
}

export interface WebhookParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: SafeFetch;
  /** The job as the API shows it. */
  readonly describe: (job: Job) => unknown;
  /** Told when the store fails; the next look tries again. */
  readonly report: (error: unknown) => void;
}

/** Calls webhooks from the store's outbox, at least once each, signed by Standard Webhooks. */
export function createWebhooks(parts: WebhookParts): Webhooks {
  const { store, clock, report } = parts;
  const calls = new Map<string, { receiver: string; done: Promise<void> }>();
  let running = false;
  let looking: Promise<void> | null = null;
  let lookAgain = false;
  let timer: { at: number; timer: Timer } | null = null;
  let secretOnce: Promise<string> | null = null;

  const secret = (): Promise<string> =>
    (secretOnce ??= loadSecret(parts).catch((error: unknown) => ((secretOnce = null), Promise.reject(error))));

  const wakeAt = (at: number): void => {
    if (!running || (timer && timer.at <= at)) return;
    timer?.timer.cancel();
    timer = { at, timer: clock.at(at, () => ((timer = null), notify())) };
  };

  const notify = (): void => {
    if (!running) return;
    lookAgain = true;
    looking ??= lookUntilQuiet().finally(() => (looking = null));
  };

  const lookUntilQuiet = async (): Promise<void> => {
    while (lookAgain && running) {
      lookAgain = false;
      await look().catch(report);
    }
    wakeAt(clock.now() + safetyPollMs);
  };

  const look = async (): Promise<void> => {
    const now = clock.now();
    const due = await store.dueDeliveries({ at: now, limit: pageSize });
    for (const delivery of due) {
      if (!running || calls.has(delivery.id)) continue;
      const receiver = receiverOf(delivery.url);
      const busy = [...calls.values()].filter((call) => call.receiver === receiver).length;
      if (calls.size < maxCalls && busy < maxCallsPerReceiver) begin(delivery, receiver);
      // A full page of one receiver's backlog would hide everybody else's: the surplus steps back without a try.
      else if (due.length === pageSize) await store.saveDelivery({ ...delivery, nextAt: now + 30 * second });
    }
  };

  const begin = (delivery: Delivery, receiver: string): void => {
    const done = call(parts, delivery, secret)
      .then(async (after) => {
        await store.saveDelivery(after);
        if (after.state === 'pending') wakeAt(after.nextAt);
      })
      .catch(report)
      .finally(() => {
        calls.delete(delivery.id);
        notify();
      });
    calls.set(delivery.id, { receiver, done });
  };

  return {
    start() {
      running = true;
      notify();
    },
    async stop() {
      running = false;
      timer?.timer.cancel();
      timer = null;
      await looking;
      await Promise.all([...calls.values()].map((call) => call.done));
    },
    notify,
    secret,
    async replay(id) {
      const job = await store.job(id);
      if (!job) throw new ComfleetError('unknown_job', `There is no job ${id}`);
      if (!isFinal(job.state)) throw new ComfleetError('job_not_finished', `Job ${id} is ${job.state}; its webhook is called when it ends`);
      const deliveries = await store.deliveries(id);
      if (deliveries.length === 0) throw new ComfleetError('not_found', `Job ${id} has no webhook`);
      const again = deliveries.map((delivery): Delivery => ({ ...delivery, state: 'pending', tries: 0, nextAt: clock.now() }));
      for (const delivery of again) {
        await calls.get(delivery.id)?.done;
        await store.saveDelivery(delivery);
      }
      notify();
      return again;
    },
  };
}

/** One try; the delivery as it stands after it. */
async function call(parts: WebhookParts, delivery: Delivery, secret: () => Promise<string>): Promise<Delivery> {
  const { store, clock, fetch, describe } = parts;
  const job = await store.job(delivery.job);
  if (!job) return { ...delivery, state: 'dead', lastError: 'the job was removed after its retention time' };
  const at = clock.now();
  const body = JSON.stringify({ type: delivery.event, timestamp: new Date(job.finishedAt ?? at).toISOString(), data: describe(job) });
  const headers = { 'content-type': 'application/json', ...signedHeaders(await secret(), { id: delivery.id, at, body }) };
  const tries = delivery.tries + 1;
  try {
    const response = await fetch(delivery.url, { method: 'POST', headers, body, maxBytes: maxAnswerBytes, timeoutMs: callTimeoutMs });
    // Only the status counts.
    response.body.on('error', () => undefined).destroy();
    if (response.status >= 200 && response.status < 300) {
      return { ...delivery, tries, state: 'delivered', lastStatus: response.status, lastError: null };
    }
    const error = `the receiver answered ${response.status}`;
    return failedTry(parts, { ...delivery, tries, lastStatus: response.status, lastError: error }, response.status === 410);
  } catch (error) {
    const lastError = error instanceof Error ? error.message : String(error);
    return failedTry(parts, { ...delivery, tries, lastStatus: null, lastError }, false);
  }
}

/** 410 means that the receiver is gone for good. Up to a fifth is added to each wait, so that retries spread. */
function failedTry({ clock, random }: WebhookParts, delivery: Delivery, gone: boolean): Delivery {
  const wait = retryDelays[delivery.tries - 1];
  if (gone || wait === undefined) return { ...delivery, state: 'dead' };
  return { ...delivery, nextAt: clock.now() + wait + random.int(wait / 5) };
}

async function loadSecret({ store, random, clock }: WebhookParts): Promise<string> {
  const name = 'webhook_secret';
  const stored = await store.document(name);
  if (typeof stored === 'string') return stored;
  const value = createWebhookSecret(random);
  await store.saveDocument({ name, value, at: clock.now() });
  return value;
}

const receiverOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : url);
