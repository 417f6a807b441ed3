import { WebSocket } from 'ws';
import { ask } from './ask.ts';
import { NormalForm } from './normal-form.ts';
import { byNode, withoutPace } from './streams.ts';
import type { Event, HttpRequest, HttpResponse, Message, Transcript } from './transcript.ts';

/**
 * Replays a golden transcript of a real ComfyUI against a server: sends what its clients sent, in the same order and no earlier than
 * they did relative to what they had heard, and returns both sides in a form that can be compared.
 */

/** What one side did, by request and by socket, with all that varies replaced. */
export interface Observed {
  readonly http: readonly { readonly request: string; readonly response: unknown }[];
  readonly sockets: Readonly<Record<string, readonly unknown[]>>;
}

export interface ReplayOptions {
  /** Where the server's folders lie. */
  readonly folder: string;
  /** Moves the server's clock on by one timer. Called only while the recording had gone further than the server has. */
  readonly tick: () => void;
  /** A sampler made the pictures: their pixels are not compared. */
  readonly anyPixels?: boolean;
  /** How many steps a node had done when something happened depends on speed. */
  readonly anyPace?: boolean;
  /** Which of several outputs runs first is open. */
  readonly anyOrder?: boolean;
  /** The server says how many prompts are left as often as it likes. */
  readonly anyStatus?: boolean;
}

/** Messages whose number depends on speed. */
const isPaced = (message: Message | Buffer): boolean => Buffer.isBuffer(message) || message.type.startsWith('progress');

const isSameQuestion = (a: HttpRequest, b: HttpRequest): boolean => a.method === b.method && a.path === b.path;

class Player {
  readonly #url: string;
  readonly #events: readonly Event[];
  readonly #options: ReplayOptions;
  readonly #golden: NormalForm;
  readonly #actual: NormalForm;
  readonly #sockets = new Map<string, WebSocket>();
  readonly #received = new Map<string, (Message | Buffer)[]>();
  /** Golden ids -> ours, for ids that the server makes. */
  readonly #ids = new Map<string, string>();

  constructor(url: string, { events }: Transcript, options: ReplayOptions) {
    this.#url = url;
    this.#events = events;
    this.#options = options;
    const pixels = options.anyPixels !== true;
    this.#golden = new NormalForm({ folder: '/data', pixels });
    this.#actual = new NormalForm({ folder: options.folder, pixels });
  }

  async play(): Promise<{ golden: Observed; actual: Observed }> {
    const http: { label: string; golden: HttpResponse; actual: HttpResponse }[] = [];
    const when = (event: Event): number => (event.kind === 'http' ? event.t_start_ms : event.t_ms);
    const actions = this.#events.filter((event) => event.kind !== 'ws_recv').sort((a, b) => when(a) - when(b) || a.seq - b.seq);
    for (const action of actions) {
      await this.#until(when(action));
      if (action.kind === 'ws_open') await this.#open(action);
      else if (action.kind === 'ws_send') this.#socket(action.conn).send(action.text ?? JSON.stringify(action.json));
      else if (action.kind === 'ws_close') await this.#close(action.conn);
      else if (action.kind === 'http' && !this.#isEarlyPoll(action)) {
        const { request, response, note = '' } = action;
        const actual = await this.#answer(request, response);
        if (request.method === 'POST' && request.path.endsWith('/prompt')) this.#learn(response, actual, http.length);
        const query = request.query ? ` ${JSON.stringify(request.query)}` : '';
        http.push({ label: `${http.length} ${request.method} ${request.path}${query} ${note}`.trim(), golden: response, actual });
      }
    }
    await this.#until(Number.POSITIVE_INFINITY);
    await this.#settle();
    for (const socket of this.#sockets.values()) socket.terminate();
    const side = async (form: NormalForm, name: 'golden' | 'actual', heard: (conn: string) => (Message | Buffer)[]): Promise<Observed> => {
      const shown: { request: string; response: unknown }[] = [];
      for (const { label, [name]: response } of http) shown.push({ request: label, response: await form.response(response) });
      const sockets: Record<string, unknown[]> = {};
      for (const conn of this.#sockets.keys()) sockets[conn] = await this.#shown(form, heard(conn));
      return { http: shown, sockets };
    };
    return {
      golden: await side(this.#golden, 'golden', (conn) => this.#recorded(conn, Number.POSITIVE_INFINITY)),
      actual: await side(this.#actual, 'actual', (conn) => this.#received.get(conn) ?? []),
    };
  }

  /** Asked again later: history was not there yet when the recording's client asked for the first time. That it may be there is no difference. */
  #isEarlyPoll({ seq, request, response }: Event & { kind: 'http' }): boolean {
    if (!/^(\/api)?\/history\/./.test(request.path) || JSON.stringify(response.json) !== '{}') return false;
    return this.#events.some((later) => later.kind === 'http' && later.seq > seq && isSameQuestion(later.request, request));
  }

  /** What should not come at all gets a few round trips to come. */
  async #settle(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      this.#options.tick();
      await ask(this.#url, { method: 'GET', path: '/queue' });
    }
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
    const recorded = this.#events.flatMap((event) => {
      if (event.kind !== 'ws_recv' || event.conn !== conn || event.t_ms >= before) return [];
      return [event.frame === 'text' ? event.json! : Buffer.from(event.base64!, 'base64')];
    });
    return recorded.filter((message) => this.#counts(message));
  }

  /** The greeting, which has a session id, counts always. */
  #counts(message: Message | Buffer): boolean {
    return this.#options.anyStatus !== true || Buffer.isBuffer(message) || message.type !== 'status' || 'sid' in message.data;
  }

  /** Moves the server on until each open socket has heard as much as it had when the recording went on. */
  async #until(time: number): Promise<void> {
    const steady = (messages: (Message | Buffer)[]): number => messages.filter((message) => !isPaced(message)).length;
    const steps = (messages: (Message | Buffer)[]): number => messages.filter((m) => !Buffer.isBuffer(m) && m.type === 'progress').length;
    const ready = (conn: string): boolean => {
      const [recorded, received] = [this.#recorded(conn, time), this.#received.get(conn) ?? []];
      return steady(received) >= steady(recorded) && (steps(received) > 0 || steps(recorded) === 0);
    };
    await this.#moveOnUntil(async () => [...this.#sockets.keys()].every(ready));
  }

  async #moveOnUntil(done: () => Promise<boolean>): Promise<void> {
    while (!(await done())) {
      this.#options.tick();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  async #open({ conn, path, query }: Event & { kind: 'ws_open' }): Promise<void> {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, this.#ids.get(value) ?? value]),
    );
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}${path}?${search.toString()}`);
    this.#sockets.set(conn, socket);
    this.#received.set(conn, []);
    socket.on('message', (data: Buffer, isBinary) => {
      const message = isBinary ? data : (JSON.parse(data.toString()) as Message);
      if (this.#counts(message)) this.#received.get(conn)!.push(message);
    });
    await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject));
    const [wanted, given] = [this.#recorded(conn, Number.POSITIVE_INFINITY)[0], this.#received.get(conn)![0]].map(
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
    await ask(this.#url, { method: 'GET', path: '/queue' });
  }

  /** Prompts without a client end unheard: what tells of their end is asked until it says what it said in the recording. */
  async #answer(request: HttpRequest, recorded: HttpResponse): Promise<HttpResponse> {
    const isHistory = request.method === 'GET' && /^(\/api)?\/history/.test(request.path);
    const size = ({ json }: HttpResponse): number => Object.keys((json as object | undefined) ?? {}).length;
    let got = await ask(this.#url, this.#ours(request));
    if (isHistory) {
      await this.#moveOnUntil(async () => {
        got = await ask(this.#url, this.#ours(request));
        return got.status !== 200 || size(got) >= size(recorded);
      });
    }
    return got;
  }

  /** A recorded request with the ids and the random names that this server made. */
  #ours(request: HttpRequest): HttpRequest {
    let text = JSON.stringify(request);
    for (const [golden, actual] of this.#ids) text = text.replaceAll(golden, actual);
    const heard = [...this.#received.values()].flat().map((message) => (Buffer.isBuffer(message) ? '' : JSON.stringify(message)));
    const temporary = /ComfyUI_temp_[a-z]{5}_/.exec(heard.join('\n'))?.[0];
    return JSON.parse(temporary === undefined ? text : text.replaceAll(/ComfyUI_temp_[a-z]{5}_/g, temporary)) as HttpRequest;
  }

  async #shown(form: NormalForm, messages: (Message | Buffer)[]): Promise<unknown[]> {
    let shown: unknown[] = [];
    for (const message of messages) shown.push(Buffer.isBuffer(message) ? await form.frame(message) : form.message(message));
    if (this.#options.anyPace) shown = withoutPace(shown);
    return this.#options.anyOrder ? byNode(shown) : shown;
  }
}

/** Plays a transcript against the server at `url`. */
export async function replay(url: string, transcript: Transcript, options: ReplayOptions): Promise<{ golden: Observed; actual: Observed }> {
  return new Player(url, transcript, options).play();
}
