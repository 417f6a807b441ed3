import { WebSocket } from 'ws';
import { ComfleetError } from '../errors.ts';
import type { Clock, Random, Timer } from '../fleet/clock.ts';
import { createComfyHttp, lost, type ComfyHttp, type Queue } from './http.ts';
import { readBinaryFrame, readNodeText, readTextFrame } from './messages.ts';
import type { ClientMessage, Endpoint } from './runner.ts';
import type { PromptTrack } from './track.ts';

/** Times of the watch over prompts, milliseconds. */
export interface WatchTimes {
  /** So long a new socket may take until the server's first message; after that prompts are followed by asking. */
  readonly greeting: number;
  /** So long a prompt may say nothing on an open socket before the queue is asked for it. */
  readonly silence: number;
  /** The same without a socket, or when messages may have been missed. */
  readonly poll: number;
  /** So long nothing may run while a prompt waits. Longer means that the container's executor is dead. */
  readonly stuck: number;
  /** So long an interrupted prompt may take to end: a long node without progress runs to its end. */
  readonly interrupt: number;
}

export const defaultWatchTimes: WatchTimes = { greeting: 2_000, silence: 5_000, poll: 1_000, stuck: 30_000, interrupt: 30_000 };

export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly random: Random;
  readonly times: WatchTimes;
}

const handshakeTimeoutMs = 5_000;
const maxMessageBytes = 256 * 2 ** 20;

/**
 * All there is between the fleet and one container: HTTP, one socket under a client id of its own, and the prompts that run
 * there. The socket says things first; the queue and history say what is true.
 */
export class Connection {
  readonly http: ComfyHttp;
  readonly endpoint: Endpoint;
  /** What the container called the assets that were uploaded, by asset and name. */
  readonly uploads = new Map<string, Promise<string>>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #times: WatchTimes;
  readonly #tracks = new Map<string, PromptTrack>();
  #clientId: string;
  #socket: WebSocket | null = null;
  #listening = false;
  #opening: Promise<void> | null = null;
  #timer: Timer | null = null;
  #asking = false;
  #nothingRunsSince: number | null = null;
  #running: PromptTrack | null = null;
  /** Prompts here whose clients want every message. */
  #everything = 0;

  constructor({ endpoint, clock, random, times }: ConnectionOptions) {
    this.endpoint = endpoint;
    this.http = createComfyHttp(endpoint);
    this.#clock = clock;
    this.#random = random;
    this.#times = times;
    this.#clientId = random.id();
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** The socket is open, and the server has registered it. */
  get listening(): boolean {
    return this.#listening;
  }

  /** Settles when the socket listens, or cannot be opened: prompts are then followed by asking. */
  open(): Promise<void> {
    // A socket that was not greeted in time is kept: it may still begin to speak.
    if (this.#listening || (this.#socket !== null && this.#opening === null)) return Promise.resolve();
    this.#opening ??= this.#connect().finally(() => (this.#opening = null));
    return this.#opening;
  }

  /** Watches over a prompt until it is done. */
  follow(track: PromptTrack): void {
    this.#tracks.set(track.promptId, track);
    if (track.everything) this.#everything++;
    const leave = (): void => {
      this.#tracks.delete(track.promptId);
      if (track.everything) this.#everything--;
      if (this.#running === track) this.#running = null;
      if (this.#tracks.size === 0) this.#stopWatch();
    };
    void track.result.then(leave, leave);
    this.#watch();
  }

  /** Takes the prompt out of the queue, or interrupts it; it ends as `interrupted`, at the latest after the time for that. */
  async cancel(track: PromptTrack): Promise<void> {
    track.canceling = true;
    if (!track.submitted || track.done) return;
    const deadline = this.#clock.at(this.#clock.now() + this.#times.interrupt, () => track.end({ kind: 'interrupted' }));
    const disarm = (): void => deadline.cancel();
    void track.result.then(disarm, disarm);
    try {
      await this.http.deletePending(track.promptId);
      const { running } = await this.http.queue();
      // Old servers interrupt whatever runs, whatever they are told: so only when it is this one.
      if (running.some((item) => item[1] === track.promptId)) await this.http.interrupt(track.promptId);
      else track.end({ kind: 'interrupted' });
    } catch (error) {
      this.#loseAll(lost(this.endpoint, error));
    }
  }

  close(): void {
    this.#loseAll(new ComfleetError('container_lost', `The container at ${this.endpoint.url} is gone.`));
    this.#dropSocket();
    this.http.close();
  }

  #connect(): Promise<void> {
    const { url, socketPath, headers = {} } = this.endpoint;
    const route = `/ws?clientId=${this.#clientId}`;
    const address = socketPath === undefined ? `${url.replace(/^http/, 'ws')}${route}` : `ws+unix:${socketPath}:${route}`;
    const socket = new WebSocket(address, {
      headers: { ...headers },
      handshakeTimeout: handshakeTimeoutMs,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      maxPayload: maxMessageBytes,
    });
    this.#socket = socket;
    socket.on('open', () => socket.send('{"type": "feature_flags", "data": {"supports_preview_metadata": true}}'));
    const greeted = new Promise<void>((resolve) => {
      const late = this.#clock.at(this.#clock.now() + this.#times.greeting, resolve);
      socket.on('message', (data, isBinary) => {
        if (socket !== this.#socket) return;
        // The first message is `status`: only now does the server know this client.
        this.#listening = true;
        late.cancel();
        resolve();
        this.#hear(data as Buffer, isBinary);
      });
      socket.on('close', () => {
        late.cancel();
        resolve();
        if (socket === this.#socket) this.#socketGone();
      });
    });
    socket.on('error', () => socket.terminate());
    return greeted;
  }

  #hear(frame: Buffer, isBinary: boolean): void {
    const at = this.#clock.now();
    if (isBinary) return this.#hearBinary(frame, at);
    const message = readTextFrame(frame, this.#everything > 0);
    const promptId = message?.data['prompt_id'];
    const track = typeof promptId === 'string' ? this.#tracks.get(promptId) : undefined;
    if (message && track) this.#hearOf(track, message, at);
  }

  #hearBinary(frame: Buffer, at: number): void {
    const picture = readBinaryFrame(frame);
    const track = picture?.promptId ? this.#tracks.get(picture.promptId) : this.#running;
    if (picture) track?.see(picture, at);
    const text = this.#everything > 0 ? readNodeText(frame) : null;
    if (text) this.#running?.read(text, at);
  }

  #hearOf(track: PromptTrack, message: ClientMessage, at: number): void {
    this.#nothingRunsSince = null;
    if (message.type === 'executing') this.#running = message.data['node'] === null ? null : track;
    if (track.hear(message, at)) void this.#collect(track, false);
  }

  #socketGone(): void {
    this.#dropSocket();
    // Most often the process behind it has died; asking tells at once.
    void this.#ask(this.#submitted());
  }

  #dropSocket(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#listening = false;
    for (const track of this.#tracks.values()) track.listening = false;
    socket?.terminate();
  }

  #submitted(): PromptTrack[] {
    return [...this.#tracks.values()].filter((track) => track.submitted && !track.done);
  }

  #watch(): void {
    this.#timer ??= this.#clock.at(this.#clock.now() + this.#times.poll, () => {
      this.#timer = null;
      if (this.#tracks.size === 0) return;
      const now = this.#clock.now();
      const silent = this.#submitted().filter((track) => now - track.heardAt >= (track.listening ? this.#times.silence : this.#times.poll));
      void this.#ask(silent);
      if (this.#socket === null) void this.open();
      this.#watch();
    });
  }

  #stopWatch(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#nothingRunsSince = null;
  }

  /**
   * Asks the queue, then history, for these prompts. In that order nothing can be missed: what is absent from the queue has ended
   * before, and history is written first.
   */
  async #ask(tracks: readonly PromptTrack[]): Promise<void> {
    if (this.#asking || tracks.length === 0) return;
    this.#asking = true;
    try {
      const queue = await this.http.queue();
      const now = this.#clock.now();
      for (const track of tracks) {
        track.heardAt = now;
        if (!isIn(queue.running, track) && !isIn(queue.pending, track)) await this.#collect(track, true);
      }
      this.#lookForDeadExecutor(queue, now);
    } catch (error) {
      this.#loseAll(lost(this.endpoint, error));
    } finally {
      this.#asking = false;
    }
  }

  /** Ends a prompt that has left the queue with what history has. `unheard`: the socket has not told of its end. */
  async #collect(track: PromptTrack, unheard: boolean): Promise<void> {
    try {
      const entry = await this.http.history(track.promptId);
      if (track.done) return;
      if (unheard && track.listening) this.#replaceSocket();
      if (entry) track.endFromHistory(entry);
      else if (track.canceling) track.end({ kind: 'interrupted' });
      else track.lose(new ComfleetError('container_lost', `The container at ${this.endpoint.url} has forgotten prompt ${track.promptId}.`));
    } catch (error) {
      this.#loseAll(lost(this.endpoint, error));
    }
  }

  /**
   * The socket is open but mute, as happens when the server has mixed up two sockets of one name: another name, another socket.
   * Prompts under way were submitted under the old name, so they are asked for.
   */
  #replaceSocket(): void {
    this.#clientId = this.#random.id();
    this.#dropSocket();
  }

  /** A server whose executor thread has died goes on taking prompts and answering every route. */
  #lookForDeadExecutor(queue: Queue, now: number): void {
    const waiting = this.#submitted().filter((track) => isIn(queue.pending, track));
    if (queue.running.length > 0 || waiting.length === 0) {
      this.#nothingRunsSince = null;
      return;
    }
    this.#nothingRunsSince ??= now;
    const seconds = (now - this.#nothingRunsSince) / 1000;
    if (seconds * 1000 < this.#times.stuck) return;
    const message = `The container at ${this.endpoint.url} takes prompts but does not move them: for ${seconds.toFixed(0)} s nothing ran while ${waiting.length} waited.`;
    for (const track of waiting) track.lose(new ComfleetError('container_lost', message));
  }

  #loseAll(error: ComfleetError): void {
    for (const track of this.#tracks.values()) track.lose(error);
  }
}

const isIn = (items: Queue['running'], track: PromptTrack): boolean => items.some((item) => item[1] === track.promptId);
