import { request } from 'undici';
import type { Endpoint } from './runner.ts';
import type { HistoryEntry } from './protocol.ts';
import { ComfleetError } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';

const pollMs = 100;
const callTimeoutMs = 5_000;
/** A prompt of two tiny nodes that every ComfyUI has and that need no model. */
const graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
};
const probeTimeoutMs = 60_000;

type Call = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<unknown>;

export interface ProbeOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /**
   * For a server that is being started: it is waited for until it listens, and is known by this argument of its command line, since another
   * one may have taken its port. Null: it must listen already.
   */
  readonly starting: { readonly argument: string } | null;
}

/**
 * Waits until a prompt went through: a port that answers says nothing about whether prompts move. A prompt that does not move is taken out
 * of the queue again. Errors: `container_lost`, with what went wrong; the signal's.
 */
export async function probe(endpoint: Endpoint, { clock, signal, starting }: ProbeOptions): Promise<void> {
  const call: Call = async (method, path, body) => {
    const answer = await request(`${endpoint.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...endpoint.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new ComfleetError('container_lost', `${path} answered ${answer.statusCode}: ${text.slice(0, 500)}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  };

  if (starting) while (!signal.aborted && !(await listens(call, starting.argument))) await pause(clock, signal);
  signal.throwIfAborted();
  await call('GET', '/system_stats');
  const { prompt_id: id } = (await call('POST', '/prompt', { prompt: graph })) as { prompt_id: string };
  try {
    await finished(call, id, { clock, signal });
  } catch (error) {
    // What keeps it from being deleted is what went wrong already.
    await call('POST', '/queue', { delete: [id] }).catch(() => undefined);
    throw error;
  }
}

/** Settles when the prompt went through. A single call without an answer says little: the first prompt keeps a slow machine busy. */
async function finished(call: Call, id: string, { clock, signal }: Pick<ProbeOptions, 'clock' | 'signal'>): Promise<void> {
  const deadline = clock.now() + probeTimeoutMs;
  while (clock.now() < deadline) {
    const history = await call('GET', `/history/${id}`).catch(unlessTimeout);
    const entry = (history as Record<string, HistoryEntry> | undefined)?.[id];
    if (entry?.status.status_str === 'success') return;
    if (entry) throw new ComfleetError('container_lost', `the probe prompt failed: ${JSON.stringify(entry.status.messages.at(-1))}`);
    await pause(clock, signal);
    signal.throwIfAborted();
  }
  throw new ComfleetError('container_lost', 'it takes prompts but does not move them');
}

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

const pause = (clock: Clock, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.at(clock.now() + pollMs, end);
    signal.addEventListener('abort', end);
  });
