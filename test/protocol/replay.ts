import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

/**
 * Replays a golden transcript of a real ComfyUI against a server: sends what its clients sent, in the same order and no earlier than
 * they did relative to what they had heard, and returns both sides in a form that can be compared.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Message = { type: string; data: { [key: string]: Json } };

interface HttpRequest {
  method: string;
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  json?: Json;
  body?: string;
  multipart?: { name: string; value?: string; filename?: string; content_type?: string; base64?: string }[];
}

interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  json?: Json;
  text?: string;
  base64?: string;
  empty?: boolean;
}

type Event = { seq: number; t_ms: number } & (
  | { kind: 'http'; t_start_ms: number; request: HttpRequest; response: HttpResponse; note?: string }
  | { kind: 'ws_open'; conn: string; path: string; query: Record<string, string> }
  | { kind: 'ws_send'; conn: string; json?: Json; text?: string }
  | { kind: 'ws_recv'; conn: string; frame: 'text' | 'binary'; json?: Message; base64?: string }
  | { kind: 'ws_close' | 'ws_closed'; conn: string; code?: number }
);

/** What one side did, by request and by socket, with all that varies replaced. */
export interface Observed {
  readonly http: { request: string; response: unknown }[];
  readonly sockets: Record<string, unknown[]>;
}

export interface Replay {
  readonly golden: Observed;
  readonly actual: Observed;
  /** Bytes of the answers, `[golden, actual]`, for requests that gave a file. */
  readonly files: { request: string; golden: Buffer; actual: Buffer }[];
}

export function loadTranscript(name: string): Event[] {
  return (JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8')) as { events: Event[] }).events;
}

/** Messages whose number depends on speed. */
const isPaced = (message: Message): boolean => message.type.startsWith('progress');

const byText = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : 1);

/** Replaces what differs between two runs of the same server. */
class Normalizer {
  readonly #names = new Map<string, string>();
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  name(id: string, as: string): void {
    if (!this.#names.has(id)) this.#names.set(id, as);
  }

  text(value: string): string {
    let text = value.replaceAll(this.#folder, '/data').replaceAll(/ComfyUI_temp_[a-z]{5}_/g, 'ComfyUI_temp_xxxxx_');
    for (const [id, name] of this.#names) text = text.replaceAll(id, name);
    return text;
  }

  value(value: Json | undefined, key = ''): unknown {
    if (['timestamp', 'modified', 'created'].includes(key)) return key;
    if (key === 'traceback') return 'traceback';
    if (key === 'current_inputs') return Object.keys(value as object);
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) {
      const items = value.map((item) => this.value(item));
      return ['executed', 'current_outputs', 'dependent_outputs'].includes(key) ? items.sort(byText) : items;
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, item]): [string, unknown] => [this.text(name), this.value(item, name)]);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A history entry or a queue item ends in the output nodes, which are a set. */
  body(value: Json | undefined): unknown {
    const normal = this.value(value);
    const visit = (part: unknown): void => {
      if (Array.isArray(part) && part.length === 5 && typeof part[0] === 'number' && Array.isArray(part[4])) part[4].sort(byText);
      if (typeof part === 'object' && part !== null) for (const item of Object.values(part)) visit(item);
    };
    visit(normal);
    return normal;
  }
}

const comparedHeaders = new Set(['content-type', 'content-disposition', 'accept-ranges', 'content-range', 'allow']);

function response(normalizer: Normalizer, { status, headers, json, text, base64 }: HttpResponse): unknown {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (comparedHeaders.has(name.toLowerCase())) shown[name.toLowerCase()] = normalizer.text(value).replace(/^(bytes .*)\/\d+$/, '$1/size');
  }
  return { status, headers: shown, json: normalizer.body(json), text, isFile: base64 !== undefined };
}

function binary(frame: Buffer): unknown {
  const kind = frame.readUInt32BE(0);
  if (kind === 3) return { kind, text: frame.subarray(4).toString() };
  return { kind, image: kind === 1 ? frame.readUInt32BE(4) : 'with metadata' };
}

class Player {
  readonly #url: string;
  readonly #events: Event[];
  readonly #golden = new Normalizer('/data');
  readonly #actual: Normalizer;
  readonly #sockets = new Map<string, WebSocket>();
  readonly #received = new Map<string, (Message | Buffer)[]>();
  /** Golden ids -> ours, for ids that the server makes. */
  readonly #ids = new Map<string, string>();
  #heard: () => void = () => {};

  constructor(url: string, folder: string, events: Event[]) {
    this.#url = url;
    this.#events = events;
    this.#actual = new Normalizer(folder);
  }

  async play(): Promise<Replay> {
    const http: { golden: Observed['http'][number]; actual: Observed['http'][number]; bytes?: [Buffer, Buffer] }[] = [];
    const when = (event: Event): number => (event.kind === 'http' ? event.t_start_ms : event.t_ms);
    const actions = this.#events.filter((event) => event.kind !== 'ws_recv').sort((a, b) => when(a) - when(b) || a.seq - b.seq);
    for (const action of actions) {
      await this.#until(when(action));
      if (action.kind === 'ws_open') await this.#open(action);
      else if (action.kind === 'ws_send') this.#socket(action.conn).send(action.text ?? JSON.stringify(action.json));
      else if (action.kind === 'ws_close') await this.#close(action.conn);
      else if (action.kind === 'http') {
        const { request, note = '' } = action;
        const got = await this.#answer(request, action.response);
        if (request.method === 'POST' && request.path.endsWith('/prompt')) this.#learn(action.response, got, http.length);
        const label = `${request.method} ${request.path} ${JSON.stringify(request.query ?? {})} ${note}`;
        http.push({
          golden: { request: label, response: response(this.#golden, action.response) },
          actual: { request: label, response: response(this.#actual, got) },
          ...(action.response.base64 && got.base64
            ? { bytes: [Buffer.from(action.response.base64, 'base64'), Buffer.from(got.base64, 'base64')] }
            : {}),
        });
      }
    }
    await this.#until(Number.POSITIVE_INFINITY);
    // What should not come at all gets a moment to come.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const socket of this.#sockets.values()) socket.terminate();
    return {
      golden: { http: http.map(({ golden }) => golden), sockets: this.#goldenSockets() },
      actual: { http: http.map(({ actual }) => actual), sockets: this.#actualSockets() },
      files: http.flatMap(({ golden, bytes }) => (bytes ? [{ request: golden.request, golden: bytes[0], actual: bytes[1] }] : [])),
    };
  }

  #socket(conn: string): WebSocket {
    return this.#sockets.get(conn)!;
  }

  /** Remembers the id that each side made for the same prompt. */
  #learn(golden: HttpResponse, actual: HttpResponse, index: number): void {
    const [wanted, given] = [golden.json, actual.json].map((json) => (json as { prompt_id?: string } | undefined)?.prompt_id);
    if (wanted !== undefined && given !== undefined) this.#match(wanted, given, `prompt-${index}`);
  }

  #match(wanted: string, given: string, name: string): void {
    this.#ids.set(wanted, given);
    if (wanted === given) return;
    this.#golden.name(wanted, name);
    this.#actual.name(given, name);
  }

  #recorded(conn: string, before: number): (Message | Buffer)[] {
    return this.#events.flatMap((event) => {
      if (event.kind !== 'ws_recv' || event.conn !== conn || event.t_ms >= before) return [];
      return [event.frame === 'text' ? event.json! : Buffer.from(event.base64!, 'base64')];
    });
  }

  /** Waits until each open socket has heard as much as it had when the recording went on. */
  async #until(time: number): Promise<void> {
    const steady = (messages: (Message | Buffer)[]): number => messages.filter((m) => Buffer.isBuffer(m) || !isPaced(m)).length;
    const steps = (messages: (Message | Buffer)[]): number => messages.filter((m) => !Buffer.isBuffer(m) && m.type === 'progress').length;
    const ready = (conn: string): boolean => {
      const [recorded, received] = [this.#recorded(conn, time), this.#received.get(conn) ?? []];
      return steady(received) >= steady(recorded) && (steps(received) > 0 || steps(recorded) === 0);
    };
    while (![...this.#sockets.keys()].every(ready)) await new Promise<void>((resolve) => (this.#heard = resolve));
  }

  async #open({ conn, path, query }: Event & { kind: 'ws_open' }): Promise<void> {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, this.#ids.get(value) ?? value]),
    );
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}${path}?${search.toString()}`);
    this.#sockets.set(conn, socket);
    this.#received.set(conn, []);
    socket.on('message', (data: Buffer, isBinary) => {
      this.#received.get(conn)!.push(isBinary ? data : (JSON.parse(data.toString()) as Message));
      this.#heard();
    });
    await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject));
    const [wanted, given] = [this.#recorded(conn, Infinity)[0], this.#received.get(conn)![0]].map(
      (first) => (first as Message).data['sid'] as string,
    );
    this.#match(wanted!, given!, `sid-${conn}`);
  }

  /** Closes a socket; one round trip later, the server knows. */
  async #close(conn: string): Promise<void> {
    const socket = this.#socket(conn);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.close();
    await closed;
    await this.#call({ method: 'GET', path: '/queue' });
  }

  /** Prompts without a client end unheard: history is asked until it knows what it knew in the recording. */
  async #answer(request: HttpRequest, recorded: HttpResponse): Promise<HttpResponse> {
    const empty = ({ json }: HttpResponse): boolean => JSON.stringify(json) === '{}';
    let got = await this.#call(request);
    while (request.path.startsWith('/history') && empty(got) && !empty(recorded)) got = await this.#call(request);
    return got;
  }

  async #call(request: HttpRequest): Promise<HttpResponse> {
    let url = this.#url + request.path;
    let body = request.json === undefined ? request.body : JSON.stringify(request.json);
    for (const [golden, actual] of this.#ids) {
      url = url.replace(golden, actual);
      body = body?.replaceAll(golden, actual);
    }
    const query = { ...request.query };
    // Names with random letters: ask for the file that this server made.
    const temporary = query['filename']?.startsWith('ComfyUI_temp_') ? this.#temporaryName() : undefined;
    if (temporary !== undefined) query['filename'] = temporary;
    if (Object.keys(query).length > 0) url += `?${new URLSearchParams(query).toString()}`;
    const headers: Record<string, string> = { ...request.headers };
    if (request.json !== undefined) headers['Content-Type'] ??= 'application/json';
    if (headers['If-None-Match']) headers['If-None-Match'] = (await fetch(url)).headers.get('etag') ?? '';
    const own = new URL(this.#url).host;
    if (headers['Origin']) headers['Origin'] = headers['Origin'].replace(recordedHost, own);
    const content = request.multipart ? form(request.multipart, headers) : Buffer.from(body ?? '');
    const { answer, bytes } = await send(url, request.method, headers, content);
    const type = answer.headers['content-type'] ?? '';
    const found = { status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string> };
    if (bytes.length === 0) return { ...found, empty: true };
    if (type.startsWith('application/json') && request.path !== '/view') return { ...found, json: JSON.parse(bytes.toString()) as Json };
    if (type.startsWith('text/plain')) return { ...found, text: bytes.toString() };
    return { ...found, base64: bytes.toString('base64') };
  }

  #temporaryName(): string | undefined {
    const texts = [...this.#received.values()].flat().map((message) => (Buffer.isBuffer(message) ? '' : JSON.stringify(message)));
    return /ComfyUI_temp_[a-z]{5}_00001_\.png/.exec(texts.join('\n'))?.[0];
  }

  #goldenSockets(): Record<string, unknown[]> {
    return Object.fromEntries([...this.#sockets.keys()].map((conn) => [conn, this.#shown(this.#golden, this.#recorded(conn, Infinity))]));
  }

  #actualSockets(): Record<string, unknown[]> {
    return Object.fromEntries([...this.#received].map(([conn, messages]) => [conn, this.#shown(this.#actual, messages)]));
  }

  #shown(normalizer: Normalizer, messages: (Message | Buffer)[]): unknown[] {
    return messages.map((message) => (Buffer.isBuffer(message) ? binary(message) : normalizer.value(message as unknown as Json)));
  }
}

/** Where the recorded server listened. */
const recordedHost = '127.0.0.1:8199';

/** By hand and not by fetch, which sets Host itself and drops empty file names. */
async function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: Buffer,
): Promise<{ answer: IncomingMessage; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers: { ...headers, 'Content-Length': body.length } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ answer, bytes: Buffer.concat(chunks) }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function form(parts: NonNullable<HttpRequest['multipart']>, headers: Record<string, string>): Buffer {
  const boundary = 'golden-boundary';
  headers['Content-Type'] = `multipart/form-data; boundary=${boundary}`;
  const chunks: (string | Buffer)[] = [];
  for (const { name, value, filename, content_type, base64 } of parts) {
    const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
    if (filename === undefined) chunks.push(`${disposition}\r\n\r\n${value ?? ''}\r\n`);
    else {
      chunks.push(`${disposition}; filename="${filename}"\r\nContent-Type: ${content_type}\r\n\r\n`);
      chunks.push(Buffer.from(base64 ?? '', 'base64'), '\r\n');
    }
  }
  chunks.push(`--${boundary}--\r\n`);
  return Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string)));
}

/** Plays a transcript against the server at `url`, whose folders lie in `folder`. */
export async function replay(url: string, folder: string, events: Event[]): Promise<Replay> {
  return new Player(url, folder, events).play();
}
