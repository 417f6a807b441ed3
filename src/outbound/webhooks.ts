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
/** Tries that lie further ahead, and those of an earlier life of the gateway, have no timer here; this finds them. */
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
  return new Outbox(parts);
}

class Outbox implements Webhooks {
  readonly #parts: WebhookParts;
  readonly #calls = new Map<string, { receiver: string; done: Promise<void> }>();
  readonly #timers = new Set<Timer>();
  #running = false;
  #looking: Promise<void> | null = null;
  #lookAgain = false;
  #secret: Promise<string> | null = null;

  constructor(parts: WebhookParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = true;
    this.notify();
    this.#pollForSafety();
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    await this.#looking;
    await Promise.all([...this.#calls.values()].map((call) => call.done));
  }

  notify(): void {
    if (!this.#running) return;
    this.#lookAgain = true;
    this.#looking ??= this.#lookUntilQuiet();
  }

  secret(): Promise<string> {
    this.#secret ??= loadSecret(this.#parts).catch((error: unknown) => {
      this.#secret = null;
      throw error;
    });
    return this.#secret;
  }

  async replay(id: string): Promise<Delivery[]> {
    const { store, clock } = this.#parts;
    const job = await store.job(id);
    if (!job) throw new ComfleetError('unknown_job', `There is no job ${id}`);
    if (!isFinal(job.state)) throw new ComfleetError('job_not_finished', `Job ${id} is ${job.state}; its webhook is called when it ends`);
    const again: Delivery[] = [];
    for (const delivery of await store.deliveries(id)) {
      await this.#calls.get(delivery.id)?.done;
      again.push({ ...delivery, state: 'pending', tries: 0, nextAt: clock.now() });
    }
    if (again.length === 0) throw new ComfleetError('not_found', `Job ${id} has no webhook`);
    for (const delivery of again) await store.saveDelivery(delivery);
    this.notify();
    return again;
  }

  async #lookUntilQuiet(): Promise<void> {
    while (this.#lookAgain && this.#running) {
      this.#lookAgain = false;
      await this.#look().catch(this.#parts.report);
    }
    this.#looking = null;
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#parts;
    const now = clock.now();
    const due = await store.dueDeliveries({ at: now, limit: pageSize });
    for (const delivery of due) {
      if (!this.#running || this.#calls.has(delivery.id)) continue;
      const receiver = receiverOf(delivery.url);
      const busy = [...this.#calls.values()].filter((call) => call.receiver === receiver).length;
      if (this.#calls.size < maxCalls && busy < maxCallsPerReceiver) this.#begin(delivery, receiver);
      // A full page of one receiver's backlog would hide everybody else's: the surplus steps back without a try.
      else if (due.length === pageSize) await store.saveDelivery({ ...delivery, nextAt: now + 30 * second });
    }
  }

  #begin(delivery: Delivery, receiver: string): void {
    const { store, report } = this.#parts;
    const done = call(this.#parts, delivery, () => this.secret())
      .then((after) => store.saveDelivery(after).then(() => after))
      .then(
        (after) => {
          this.#calls.delete(delivery.id);
          if (after.state === 'pending') this.#lookAt(after.nextAt);
          this.notify();
        },
        (error: unknown) => {
          // No new look at once: the delivery is still due, and a store that fails would be asked in a circle.
          this.#calls.delete(delivery.id);
          report(error);
        },
      );
    this.#calls.set(delivery.id, { receiver, done });
  }

  /** Later tries are found by the safety poll. */
  #lookAt(at: number): void {
    const { clock } = this.#parts;
    if (!this.#running || at - clock.now() > safetyPollMs) return;
    const timer = clock.at(at, () => {
      this.#timers.delete(timer);
      this.notify();
    });
    this.#timers.add(timer);
  }

  #pollForSafety(): void {
    const { clock } = this.#parts;
    const timer = clock.at(clock.now() + safetyPollMs, () => {
      this.#timers.delete(timer);
      if (!this.#running) return;
      this.notify();
      this.#pollForSafety();
    });
    this.#timers.add(timer);
  }
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
