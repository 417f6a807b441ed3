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

/**
 * Waits until a prompt went through: a port that answers says nothing about whether prompts move. `patient`: refused connections are
 * waited out (a start), else they are an error. Errors: `container_lost`, with what went wrong; the signal's.
 */
export async function probe(
  endpoint: Endpoint,
  { clock, signal, patient }: { clock: Clock; signal: AbortSignal; patient: boolean },
): Promise<void> {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const answer = await request(`${endpoint.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...endpoint.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new ComfleetError('container_lost', `${path} answered ${answer.statusCode}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as unknown;
  };

  if (patient) while (!signal.aborted && !(await listens(call))) await pause(clock, signal);
  signal.throwIfAborted();
  await call('GET', '/system_stats');
  const { prompt_id: id } = (await call('POST', '/prompt', { prompt: graph })) as { prompt_id: string };
  const deadline = clock.now() + probeTimeoutMs;
  while (clock.now() < deadline) {
    const history = (await call('GET', `/history/${id}`)) as Record<string, HistoryEntry>;
    const entry = history[id];
    if (entry?.status.status_str === 'success') return;
    if (entry) throw new ComfleetError('container_lost', `the probe prompt failed: ${JSON.stringify(entry.status.messages.at(-1))}`);
    await pause(clock, signal);
    signal.throwIfAborted();
  }
  throw new ComfleetError('container_lost', 'it takes prompts but does not move them');
}

async function listens(call: (method: 'GET', path: string) => Promise<unknown>): Promise<boolean> {
  try {
    await call('GET', '/system_stats');
    return true;
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
