import { ComfleetError } from '../errors.ts';
import type { SocketImage, SocketMessage } from './messages.ts';
import { LoadingWatch } from './loading.ts';
import type { FileReference, Graph, GraphNode, HistoryEntry } from './protocol.ts';
import { failureOf, outputsOfNode, resultOfHistory, succeededWith } from './results.ts';
import type { ClientMessage, PromptEvent, PromptOutput, PromptResult } from './runner.ts';

/** Saves nothing: it sends its pictures over the socket, as if they were previews, and only there. */
const socketImageClass = 'SaveImageWebsocket';

export interface TrackOptions {
  readonly promptId: string;
  readonly graph: Graph;
  readonly onEvent: (event: PromptEvent) => void;
  readonly at: number;
  /** Whether the socket was open before the prompt was submitted, so that no message of it can have been missed. */
  readonly listening: boolean;
  /** A ComfyUI client wants all that is said of it, and what history says at the end. */
  readonly everything: boolean;
  /** Pictures that came over the socket, by the file reference under which they are handed on. */
  readonly held: WeakMap<FileReference, SocketImage>;
}

/** One prompt on its way through a container: what the socket and history said of it so far. Times are the caller's. */
export class PromptTrack {
  readonly promptId: string;
  /** Settles at the end of the prompt; rejects with `container_lost`. */
  readonly result: Promise<PromptResult>;
  /** When the socket or the queue last said something about it. */
  heardAt: number;
  /** The container has it: from now on its absence from queue and history means that it is lost. */
  submitted = false;
  /** We asked for its end, so its absence means that it was deleted. */
  canceling = false;
  done = false;
  /** No message about it can have been missed so far. */
  listening: boolean;
  readonly everything: boolean;
  readonly #graph: Graph;
  readonly #onEvent: (event: PromptEvent) => void;
  readonly #held: WeakMap<FileReference, SocketImage>;
  readonly #outputs: PromptOutput[] = [];
  readonly #loading = new LoadingWatch();
  #complete = true;
  #succeeded = false;
  #failure: PromptResult | null = null;
  #node: string | null = null;
  #resolve!: (result: PromptResult) => void;
  #reject!: (error: ComfleetError) => void;

  constructor(options: TrackOptions) {
    this.promptId = options.promptId;
    this.heardAt = options.at;
    this.listening = options.listening;
    this.everything = options.everything;
    this.#graph = options.graph;
    this.#onEvent = options.onEvent;
    this.#held = options.held;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A prompt can be lost while its submission is still awaited; the rejection is then seen a little later.
    this.result.catch(() => undefined);
  }

  /** Takes a message about this prompt. True: the prompt has ended, and its result must be read from history. */
  hear(said: ClientMessage, at: number): boolean {
    this.heardAt = at;
    if (this.everything) this.#onEvent({ type: 'message', message: said });
    // Types that nothing stands for here are for the client alone.
    const message = said as unknown as SocketMessage;
    switch (message.type) {
      case 'executing':
        this.#executing(message.data.display_node ?? message.data.node, at);
        return message.data.node === null && !this.#settle();
      case 'progress':
        this.#loading.step(message.data.value, at);
        this.#onEvent({ type: 'progress', node: message.data.node, value: message.data.value, max: message.data.max });
        break;
      case 'executed': {
        const { node, display_node, output } = message.data;
        // A node whose result came from a twin is `executed` without output; history may know more.
        if (output === null) this.#complete = false;
        this.#outputs.push(...outputsOfNode(display_node ?? node, output));
        break;
      }
      case 'execution_success':
        this.#succeeded = true;
        break;
      case 'execution_error':
        this.#failure = failureOf(message.data);
        break;
      case 'execution_interrupted':
        this.#failure = { kind: 'interrupted' };
        break;
    }
    return false;
  }

  /** Takes a picture: an output if the node's class sends its results so, else a preview. */
  see(picture: SocketImage, at: number): void {
    this.heardAt = at;
    const node = picture.node ?? this.#node;
    const isOutput = node !== null && this.#classOf(node) === socketImageClass;
    const { mime, image, metadata } = picture;
    if (!isOutput || this.everything) this.#onEvent({ type: 'preview', mime, image, node, metadata });
    if (!isOutput) return;
    const number = String(this.#outputs.length + 1).padStart(5, '0');
    const file: FileReference = {
      filename: `socket_${number}_.${picture.mime === 'image/png' ? 'png' : 'jpg'}`,
      subfolder: '',
      type: 'temp',
    };
    this.#held.set(file, picture);
    this.#outputs.push({ node, key: 'images', file });
  }

  /** Takes a text that a node sent. */
  read({ node, text }: { node: string; text: string }, at: number): void {
    this.heardAt = at;
    if (this.everything) this.#onEvent({ type: 'text', node, text });
  }

  /** Ends with what history says. */
  endFromHistory(entry: HistoryEntry): void {
    const result = resultOfHistory(entry, this.#loading.seen());
    if (!this.listening && entry.status.status_str === 'success' && this.#sendsImages()) {
      this.lose(new ComfleetError('container_lost', `The socket dropped while prompt ${this.promptId} sent its pictures over it.`));
      return;
    }
    const fromSocket = this.#outputs.filter(({ file }) => file && this.#held.has(file));
    const told = this.everything ? { entry } : {};
    if (result.kind === 'succeeded') this.end({ ...result, ...told, outputs: [...result.outputs, ...fromSocket] });
    else if (result.kind === 'failed' && result.code === 'no_output')
      this.end({ ...succeededWith(fromSocket, this.#loading.seen()), ...told });
    else this.end({ ...result, ...told });
  }

  end(result: PromptResult): void {
    if (this.done) return;
    this.done = true;
    const { entry } = result;
    this.#resolve(this.canceling ? { kind: 'interrupted', ...(entry && { entry }) } : result);
  }

  lose(error: ComfleetError): void {
    if (this.done) return;
    this.done = true;
    this.#reject(error);
  }

  /** Ends with what the socket said, if that is all there is to say. */
  #settle(): boolean {
    if (this.everything) return false;
    if (this.#failure) this.end(this.#failure);
    else if (this.#succeeded && this.listening && this.#complete) this.end(succeededWith(this.#outputs, this.#loading.seen()));
    return this.done;
  }

  #executing(node: string | null, at: number): void {
    this.#node = node;
    this.#loading.executing(node === null ? undefined : this.#nodeAt(node), at);
    if (node !== null) this.#onEvent({ type: 'executing', node, classType: this.#classOf(node) });
  }

  #sendsImages(): boolean {
    return Object.values(this.#graph).some((node) => node.class_type === socketImageClass);
  }

  #classOf(node: string): string {
    return this.#nodeAt(node)?.class_type ?? '';
  }

  #nodeAt(id: string): GraphNode | undefined {
    return Object.hasOwn(this.#graph, id) ? this.#graph[id] : undefined;
  }
}
