import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { createClient } from '../../src/cli/client.ts';
import type { StreamEvent } from '../../src/cli/client.ts';

/** A client of a gateway, as users write them: plain HTTP. */

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** The body as JSON. */
  readonly json: Json;
}

/** What the API answers; tests read it as programs do. */
// oxlint-disable-next-line typescript/no-explicit-any -- answers of many kinds, read by name as a program without our types would
export type Json = any;

export interface AskOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export class Caller {
  readonly url: string;
  readonly #key: string | null;

  constructor({ url }: { url: string }, key: string | null = null) {
    this.url = url;
    this.#key = key;
  }

  /** One request; redirections are not followed. A body that is no text or bytes is sent as JSON. */
  async ask(method: string, path: string, { body, headers = {}, signal }: AskOptions = {}): Promise<Answer> {
    const raw = typeof body === 'string' || Buffer.isBuffer(body) || body instanceof FormData || body === undefined;
    const response = await fetch(`${this.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(raw ? {} : { 'content-type': 'application/json' }),
        ...(this.#key === null ? {} : { authorization: `Bearer ${this.#key}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    return answer(response.status, response.headers, Buffer.from(await response.arrayBuffer()));
  }

  /** The JSON of an answer that must be good. */
  async get(path: string): Promise<Json> {
    const { status, json } = await this.ask('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  /** Submits a job of `draw` and does not wait for it; its id. */
  async submit(inputs: Json = {}, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const { status, json } = await this.ask('POST', '/', { body: inputs, headers: { prefer: 'respond-async', ...headers } });
    if (status !== 202) throw new Error(`the job was not accepted: ${status} ${JSON.stringify(json)}`);
    return json.id as string;
  }

  job(id: string): Promise<Json> {
    return this.get(`/fleet/v1/jobs/${id}`);
  }

  async jobs(query = ''): Promise<Json[]> {
    return ((await this.get(`/fleet/v1/jobs?limit=1000${query}`)) as { items: Json[] }).items;
  }

  /** Living containers, or all there ever were. */
  async containers(all = false): Promise<Json[]> {
    return ((await this.get(`/fleet/v1/containers?limit=1000${all ? '&alive=false' : ''}`)) as { items: Json[] }).items;
  }

  scale(settings: Json, deployment = 'draw'): Promise<Answer> {
    return this.ask('PATCH', `/fleet/v1/deployments/${deployment}/scaling`, { body: settings });
  }

  /** Looks again after every event of the fleet until `look` finds something. */
  async until<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
    const events = this.events('/fleet/v1/events');
    try {
      while (!(await events.next()).done) {
        const found = await look();
        if (found !== null && found !== undefined && found !== false) return found;
      }
    } finally {
      await events.return(undefined);
    }
    throw new Error('the events of the fleet ended');
  }

  /** The job once `wanted` is true of it. */
  when(id: string, wanted: (job: Json) => boolean): Promise<Json> {
    return this.until(async () => {
      const job = await this.job(id);
      return wanted(job) && job;
    });
  }

  /** The job at its end. */
  async ended(id: string): Promise<Json> {
    for await (const { type } of this.events(`/fleet/v1/jobs/${id}/events`)) {
      if (/^(succeeded|failed|canceled|expired)$/.test(type)) break;
    }
    return this.job(id);
  }

  /** Settles when a container works on the job's nodes. */
  async works(id: string): Promise<void> {
    for await (const { type } of this.events(`/fleet/v1/jobs/${id}/events`)) {
      if (type === 'progress') return;
      if (/^(succeeded|failed|canceled|expired)$/.test(type)) throw new Error(`job ${id} has ${type} already`);
    }
  }

  /** Server-sent events; the stream is closed when the loop over it is left. */
  async *events(path: string): AsyncGenerator<StreamEvent> {
    const stop = new AbortController();
    try {
      yield* createClient({ url: this.url, key: this.#key }).events(path, stop.signal);
    } finally {
      stop.abort();
    }
  }

  /** Where a container listens, as its log says. */
  async containerUrl(id: string): Promise<string> {
    const log = (await this.ask('GET', `/fleet/v1/containers/${id}/logs`)).body.toString();
    const url = /ready at (http:\S+)/.exec(log)?.[1];
    if (url === undefined) throw new Error(`the log of container ${id} does not say where it listens: ${log}`);
    return url;
  }

  /** Sets what goes wrong in an emulated container. */
  async setFaults(container: string, faults: Readonly<Record<string, boolean>>): Promise<void> {
    const response = await fetch(`${await this.containerUrl(container)}/emulator/faults`, { method: 'POST', body: JSON.stringify(faults) });
    if (response.status !== 200) throw new Error(`the faults were refused: ${response.status} ${await response.text()}`);
  }
}

function answer(status: number, headers: Headers, body: Buffer): Answer {
  return {
    status,
    headers,
    body,
    get json() {
      return JSON.parse(body.toString());
    },
  };
}

/** A request with headers that `fetch` does not let one write, such as Host. */
export async function askWith(url: string, headers: Record<string, string>, method = 'GET', body?: string): Promise<Answer> {
  const request = httpRequest(url, { method, headers, agent: false });
  request.end(body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject));
  return answer(response.statusCode ?? 0, new Headers(response.headers as Record<string, string>), await buffer(response));
}

/** Milliseconds of a Server-Timing header by name. */
export function serverTiming(headers: Headers): Record<string, number> {
  const parts = (headers.get('server-timing') ?? '').split(', ').map((part) => /^(\w+);dur=([\d.]+)$/.exec(part));
  return Object.fromEntries(parts.map((part) => [part?.[1] ?? '', Number(part?.[2])]));
}

export const isPng = (body: Buffer): boolean => body.subarray(0, 8).toString('hex') === '89504e470d0a1a0a';

/** What a picture shows, as a short text: the file also carries the graph, which differs from job to job. */
export const pixels = async (body: Buffer): Promise<string> =>
  createHash('sha256')
    .update(await sharp(body).raw().toBuffer())
    .digest('hex');
