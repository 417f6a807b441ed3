import type { OverviewDocument } from '../../src/telemetry/overview/document.ts';
import { problemOf, type Problem } from './api.ts';

export type LiveStatus = 'loading' | 'live' | 'paused' | 'disconnected' | 'error';

export interface LiveState {
  readonly status: LiveStatus;
  /** The last document that came; it stays while the page is blind. */
  readonly document: OverviewDocument | null;
  /** When the server was last heard, by this machine's clock. */
  readonly heardAt: number | null;
  /** Since when the page waits for the first answer, or has been without one. */
  readonly since: number;
  readonly problem: Problem | null;
  /** Why the connection was lost, in the browser's words. */
  readonly cause: string | null;
  /** Tries since the connection was lost. */
  readonly attempt: number;
  readonly nextAttemptAt: number | null;
}

const documentUrl = '/fleet/v1/overview';
const eventsUrl = '/fleet/v1/events';
const eventNames = ['message', 'reset', 'container', 'job', 'decision', 'deployment'];
/** The document is read at most this often, and less often when reading takes long. */
const shortestMs = 1_000;
/** Read again without an event after so long: waits grow without one. */
const longestMs = 3_000;
const backoffMs = [1_000, 2_000, 4_000, 8_000, 15_000];
const errorRetryMs = 5_000;
const timeoutMs = 10_000;

/**
 * Keeps the overview document current: an event of the fleet's stream makes it read the document again. When the stream or the document
 * fails it says so and tries again, ever more slowly. Since each connection begins with the whole document, nothing is missed.
 */
export class LiveOverview {
  #state: LiveState = {
    status: 'loading',
    document: null,
    heardAt: null,
    since: Date.now(),
    problem: null,
    cause: null,
    attempt: 0,
    nextAttemptAt: null,
  };
  readonly #listeners = new Set<() => void>();
  #events: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: AbortController | null = null;
  #readAt = 0;
  #readTook = 0;
  #readAgain = false;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): LiveState => this.#state;

  /** Connects, and from then on follows whether the page is visible. */
  begin(): void {
    document.addEventListener('visibilitychange', () => {
      if (this.#state.status === 'paused') return;
      if (document.hidden) this.#disconnect();
      else this.connect();
    });
    this.connect();
  }

  /** Tries now, whatever was planned. */
  connect(): void {
    this.#disconnect();
    if (!document.hidden) void this.#read();
  }

  togglePause(): void {
    if (this.#state.status === 'paused') {
      this.#set({ status: this.#state.document ? 'live' : 'loading' });
      return this.connect();
    }
    this.#disconnect();
    this.#set({ status: 'paused', nextAttemptAt: null });
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    const reading = new AbortController();
    this.#reading = reading;
    this.#readAgain = false;
    this.#readAt = Date.now();
    try {
      const signal = AbortSignal.any([reading.signal, AbortSignal.timeout(timeoutMs)]);
      const response = await fetch(documentUrl, { cache: 'no-cache', headers: { accept: 'application/json' }, signal });
      if (response.ok) this.#took((await response.json()) as OverviewDocument);
      else this.#refused(await problemOf(response));
    } catch (error) {
      if (reading.signal.aborted) return;
      this.#lost(error instanceof Error ? error.message : String(error));
    } finally {
      if (this.#reading === reading) this.#reading = null;
    }
  }

  #took(overview: OverviewDocument): void {
    const now = Date.now();
    this.#readTook = now - this.#readAt;
    this.#set({
      status: 'live',
      document: overview,
      heardAt: now,
      since: now,
      problem: null,
      cause: null,
      attempt: 0,
      nextAttemptAt: null,
    });
    this.#listen();
    this.#plan(this.#readAgain ? this.#pause() : longestMs);
  }

  #refused(problem: Problem): void {
    const now = Date.now();
    const since = this.#state.status === 'error' ? this.#state.since : now;
    this.#set({ status: 'error', problem, heardAt: now, since, nextAttemptAt: now + errorRetryMs });
    this.#plan(errorRetryMs);
  }

  #lost(cause: string): void {
    this.#disconnect();
    const now = Date.now();
    const { status, heardAt, attempt } = this.#state;
    const wait = backoffMs[Math.min(attempt, backoffMs.length - 1)] ?? errorRetryMs;
    const since = status === 'disconnected' ? this.#state.since : (heardAt ?? now);
    this.#set({ status: 'disconnected', since, attempt: attempt + 1, nextAttemptAt: now + wait, problem: null, cause });
    this.#plan(wait);
  }

  #listen(): void {
    if (this.#events) return;
    const events = new EventSource(eventsUrl);
    this.#events = events;
    const heard = (): void => {
      if (this.#events !== events) return;
      this.#set({ heardAt: Date.now() });
      if (this.#readAgain) return;
      this.#readAgain = true;
      if (!this.#reading) this.#plan(this.#pause());
    };
    for (const name of eventNames) events.addEventListener(name, heard);
    events.addEventListener('error', () => {
      if (this.#events === events) this.#lost('the event stream ended');
    });
  }

  /** How long the next reading has to wait. */
  #pause(): number {
    return Math.max(0, this.#readAt + Math.max(shortestMs, this.#readTook * 10) - Date.now());
  }

  #plan(wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(), wait);
  }

  #disconnect(): void {
    clearTimeout(this.#timer);
    this.#events?.close();
    this.#events = null;
    this.#reading?.abort();
    this.#reading = null;
  }

  #set(change: Partial<LiveState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
