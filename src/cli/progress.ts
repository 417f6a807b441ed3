import type { StreamEvent } from './client.ts';
import { isFinalState, type JobWire } from './shapes.ts';
import { bar, plain, seconds } from './terminal.ts';

/** Columns of a progress bar. */
const barWidth = 24;
/** How long a reason to wait is believed, milliseconds. */
const reasonMs = 1_000;

/** What is known of one running job, from its events; drawn as one line. */
export class JobProgress {
  #phase: 'queue' | 'run' = 'queue';
  #since: number;
  #node = '';
  #share = 0;
  /** The final state, once it was told. */
  ended: string | null = null;
  /** Why it waits, in the gateway's words. */
  #waitingFor: string | null = null;
  #lookAt = 0;
  readonly #reason: () => Promise<string | null>;

  /** `reason` asks the gateway why the job waits. */
  constructor(now: number, reason: () => Promise<string | null>) {
    this.#since = now;
    this.#reason = reason;
  }

  /** Asks for the reason again when the last answer is old. No event tells when it changes. */
  lookWhyItWaits(now: number): void {
    if (this.#phase !== 'queue' || now < this.#lookAt) return;
    this.#lookAt = now + reasonMs;
    this.#reason().then(
      (reason) => (this.#waitingFor = reason),
      // The gateway may be starting anew; the stream of events deals with that.
      () => (this.#waitingFor = null),
    );
  }

  take({ type, data }: StreamEvent, now: number): void {
    const fields = (typeof data === 'object' && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
    if (type === 'started') this.#enter('run', now);
    else if (type === 'queued' || type === 'requeued') this.#enter('queue', now);
    else if (type === 'executing') [this.#node, this.#share] = [wordsOf(fields['class_type'] ?? fields['node']), 0];
    else if (type === 'progress') this.#share = Number(fields['value']) / Math.max(1, Number(fields['max']));
    else if (isFinalState(type)) this.ended = type;
  }

  line(now: number): string {
    const waited = seconds(Math.max(0, now - this.#since) / 1_000);
    if (this.#phase === 'run') return `run    ${bar(this.#share, barWidth)} ${waited}  ${this.#node}`;
    const cold = /\bstarting container/.test(this.#waitingFor ?? '');
    return `${cold ? 'cold ' : 'queue'}  ${bar(0, barWidth)} ${waited}  ${plain(this.#waitingFor ?? '')}`;
  }

  #enter(phase: 'queue' | 'run', now: number): void {
    if (this.#phase !== phase) this.#since = now;
    this.#phase = phase;
    this.#share = 0;
  }

  /** `queue 0.1 s, cold 15.6 s, run 4.4 s` */
  static phases(timing: NonNullable<JobWire['timing']>): string {
    const parts = [
      ['queue', timing.queue_ms],
      ['cold', timing.cold_ms],
      ['run', timing.run_ms],
      ['store', timing.store_ms],
    ] as const;
    return parts
      .filter(([, ms]) => ms >= 50)
      .map(([name, ms]) => `${name} ${seconds(ms / 1_000)}`)
      .join(', ');
  }
}

const wordsOf = (value: unknown): string => (typeof value === 'string' ? plain(value) : '');
