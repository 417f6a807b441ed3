import { request } from 'undici';
import type { Endpoint } from './runner.ts';
import type { HistoryEntry } from './protocol.ts';
import { ComfleetError } from '../errors.ts';
import { pause, type Clock } from '../fleet/clock.ts';

const pollMs = 100;
/** While somebody else's prompt runs there is no hurry, and a queue can be long to read. */
const busyPollMs = 1_000;
const callTimeoutMs = 5_000;
/** A prompt of two tiny nodes that every ComfyUI has and that need no model. */
const graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
};
const stuckMs = 60_000;

type Call = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<unknown>;

export interface ProbeOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /**
   * For a server that is being started: it is waited for until it listens, and is known by this argument of its command line, since another
   * one may have taken its port. Null: it must listen already.
   */
  readonly starting: { readonly argument: string } | null;
  /** Called once when the prompt has to wait for one of somebody else. */
  readonly onBusy?: () => void;
}

/**
 * Waits until a prompt went through: a port that answers says nothing about whether prompts move. A prompt that does not move, or that nobody
 * waits for any more, is taken out of the queue again. Errors: `container_lost`, with what went wrong; the signal's.
 */
export async function probe(endpoint: Endpoint, options: ProbeOptions): Promise<void> {
  const { clock, signal, starting } = options;
  const call = callTo(endpoint, signal);
  if (starting) while (!signal.aborted && !(await listens(call, starting.argument))) await pause(clock, pollMs, signal);
  signal.throwIfAborted();
  await call('GET', '/system_stats');
  const { prompt_id: id } = (await call('POST', '/prompt', { prompt: graph })) as { prompt_id: string };
  try {
    await finished(call, id, options);
  } catch (error) {
    // What keeps it from being deleted is what went wrong already.
    await callTo(endpoint)('POST', '/queue', { delete: [id] }).catch(() => undefined);
    throw error;
  }
}

function callTo(endpoint: Endpoint, signal?: AbortSignal): Call {
  return async (method, path, body) => {
    const late = AbortSignal.timeout(callTimeoutMs);
    const answer = await request(`${endpoint.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...endpoint.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new ComfleetError('container_lost', `${path} answered ${answer.statusCode}: ${text.slice(0, 500)}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  };
}

/**
 * Settles when the prompt went through. While somebody else's prompt runs, it waits: the executor lives. A single call without an answer
 * says little: the first prompt keeps a slow machine busy.
 */
async function finished(call: Call, id: string, { clock, signal, onBusy }: ProbeOptions): Promise<void> {
  let stuckSince = clock.now();
  let told = false;
  while (clock.now() < stuckSince + stuckMs) {
    // In this order: what has left the queue stands in history.
    const queue = (await call('GET', '/queue').catch(unlessTimeout)) as QueueAnswer | undefined;
    const history = (await call('GET', `/history/${id}`).catch(unlessTimeout)) as Record<string, HistoryEntry> | undefined;
    const entry = history?.[id];
    if (entry?.status.status_str === 'success') return;
    if (entry) throw new ComfleetError('container_lost', `the probe prompt failed: ${JSON.stringify(entry.status.messages.at(-1))}`);
    const [running, pending] = [idsOf(queue?.queue_running), idsOf(queue?.queue_pending)];
    if (queue && history && ![...running, ...pending].includes(id)) {
      throw new ComfleetError('container_lost', 'somebody has taken the probe prompt out of its queue');
    }
    const busy = running.some((other) => other !== id);
    if (busy) stuckSince = clock.now();
    if (busy && !told) onBusy?.();
    told ||= busy;
    await pause(clock, busy ? busyPollMs : pollMs, signal);
    signal.throwIfAborted();
  }
  throw new ComfleetError('container_lost', 'it takes prompts but does not move them');
}

type Items = readonly (readonly [number, string, ...unknown[]])[];
interface QueueAnswer {
  readonly queue_running?: Items;
  readonly queue_pending?: Items;
}

const idsOf = (items: Items = []): string[] => items.map(([, id]) => id);

function unlessTimeout(error: unknown): undefined {
  if ((error as Error).name !== 'TimeoutError') throw error;
}

async function listens(call: Call, argument: string): Promise<boolean> {
  try {
    const { system } = (await call('GET', '/system_stats')) as { system?: { argv?: readonly string[] } };
    return system?.argv?.includes(argument) ?? true;
  } catch {
    // Not yet.
    return false;
  }
}
