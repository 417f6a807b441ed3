import { errorCatalogue } from '../errors.ts';
import { RefusedError } from './failure.ts';

/** A gateway over HTTP. Failures of the request come as `RefusedError` with the problem's own words. */
export interface Client {
  readonly url: string;
  /** The answer's JSON. `body` is sent as JSON unless it is form data. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The answer itself, for files; not followed when it is a redirection. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Server-sent events until the signal ends it, or the server says that there are no more. A stream that broke or ended is
   * opened again from the last event's id, for a minute also while no gateway answers: it may be starting anew.
   */
  events(path: string, signal: AbortSignal): AsyncGenerator<StreamEvent>;
}

export interface StreamEvent {
  readonly id: string | null;
  readonly type: string;
  readonly data: unknown;
}

export const defaultUrl = 'http://127.0.0.1:8288';

/** Wait before a lost stream is opened again, milliseconds. */
const reopenMs = 500;
/** How long a gateway that answered before may be away, milliseconds. */
const awayMs = 60_000;

export function createClient(options: { url: string; key: string | null }): Client {
  const url = options.url.replace(/\/+$/, '');
  const headers = { ...(options.key === null ? {} : { authorization: `Bearer ${options.key}` }), 'user-agent': 'comfleet-cli' };

  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(`${url}${path}`, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new RefusedError({ detail: `No gateway answers at ${url} (${causeOf(error)}).`, next: awayNext }, true);
    }
    if (response.status >= 400) throw await refusal(response);
    return response;
  };

  return {
    url,
    fetch: request,
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const form = body instanceof FormData;
      const init: RequestInit = { method };
      if (form) init.body = body;
      else if (body !== undefined) Object.assign(init, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
      const response = await request(path, init);
      const text = await response.text();
      try {
        return (text === '' ? null : JSON.parse(text)) as T;
      } catch {
        throw new RefusedError({ detail: `${url}${path} did not answer with JSON.`, next: 'Check that --url names a comfleet gateway.' });
      }
    },
    async *events(path, signal) {
      let last: string | null = null;
      let seenAt: number | null = null;
      while (!signal.aborted) {
        try {
          const response = await request(path, {
            signal,
            headers: { accept: 'text/event-stream', ...(last === null ? {} : { 'last-event-id': last }) },
          });
          if (response.status === 204) return;
          seenAt = Date.now();
          for await (const event of readEvents(response)) {
            last = event.id ?? last;
            seenAt = Date.now();
            yield event;
          }
        } catch (error) {
          if (signal.aborted) return;
          // A TypeError is how fetch says that the connection broke.
          const broken = error instanceof TypeError || (error instanceof RefusedError && error.away);
          if (!broken || seenAt === null || Date.now() - seenAt > awayMs) throw error;
        }
        await pause(reopenMs, signal);
      }
    },
  };
}

const awayNext = 'Start one with: comfleet up. Or say where it is with --url URL or COMFLEET_URL.';

const causeOf = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
};

async function refusal(response: Response): Promise<RefusedError> {
  const text = await response.text();
  try {
    const problem = JSON.parse(text) as Record<string, unknown>;
    const detail = typeof problem['detail'] === 'string' ? problem['detail'] : `${response.status} ${response.statusText}`;
    const code = problem['code'];
    const known = typeof code === 'string' && code in errorCatalogue ? errorCatalogue[code as keyof typeof errorCatalogue] : null;
    return new RefusedError({ ...(known === null ? {} : { next: known.next }), ...problem, detail });
  } catch {
    return new RefusedError({ detail: `The gateway answered ${response.status} ${response.statusText}.`, status: response.status });
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });

/** The events of a `text/event-stream` body. Data that is no JSON stays text. */
async function* readEvents(response: Response): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== null) yield event;
    }
  }
}

function parseEvent(block: string): StreamEvent | null {
  let id: string | null = null;
  let type = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ''] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'id') id = value;
    else if (field === 'event') type = value;
    else if (field === 'data') data.push(value);
  }
  if (data.length === 0) return null;
  const text = data.join('\n');
  try {
    return { id, type, data: JSON.parse(text) as unknown };
  } catch {
    return { id, type, data: text };
  }
}
