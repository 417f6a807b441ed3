import { isDeepStrictEqual } from 'node:util';
import type { Graph, Json } from '../comfyui/protocol.ts';
import type { Origin, UiOutput } from './cache.ts';

/** A prompt as `/queue` shows it: `[number, prompt id, graph, extra data, output nodes]`. */
export type QueueItem = [number: number, id: string, graph: Graph, extra: Record<string, Json>, outputs: string[]];

export interface HistoryRecord {
  prompt: QueueItem;
  outputs: Record<string, UiOutput>;
  status: { status_str: 'success' | 'error'; completed: boolean; messages: [string, Record<string, unknown>][] };
  meta: Record<string, Origin>;
}

/** A real server keeps 10,000; hundreds of emulated ones share one process. */
const historyLimit = 1000;
const secretKeys = new Set(['auth_token_comfy_org', 'api_key_comfy_org']);

export function withoutSecrets([number, id, graph, extra, outputs]: QueueItem): QueueItem {
  return [number, id, graph, Object.fromEntries(Object.entries(extra).filter(([key]) => !secretKeys.has(key))), outputs];
}

/** Two prompts of one number and id cannot be ordered: Python would have to say which graph is the smaller one. */
export class SameItem extends Error {
  constructor() {
    super("'<' not supported between instances of 'dict' and 'dict'");
  }
}

/** Which of two prompts is the next. Throws SameItem. */
function before(a: QueueItem, b: QueueItem): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  if (a[1] !== b[1]) return a[1] < b[1];
  if (!isDeepStrictEqual(a[2], b[2]) || !isDeepStrictEqual(a[3], b[3])) throw new SameItem();
  return false;
}

/** Waiting prompts as a binary heap by number and id, the running one, and what has been. */
export class PromptQueue {
  readonly history = new Map<string, HistoryRecord>();
  #pending: QueueItem[] = [];
  #running: QueueItem | null = null;
  readonly #changed: () => void;

  /** `changed` is called whenever clients must hear a new status. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get running(): QueueItem | null {
    return this.#running;
  }

  /** In heap order, as ComfyUI lists it: only the first is sure to be next. */
  get pending(): readonly QueueItem[] {
    return this.#pending;
  }

  get remaining(): number {
    return this.#pending.length + (this.#running ? 1 : 0);
  }

  /** Throws SameItem, and keeps the item nevertheless, as ComfyUI does. */
  put(item: QueueItem): void {
    this.#pending.push(item);
    this.#rise(this.#pending.length - 1);
    this.#changed();
  }

  /** Begins with what another server's queue held; nothing of it runs. */
  restore(state: { running: QueueItem | null; pending: readonly QueueItem[]; history: Readonly<Record<string, HistoryRecord>> }): void {
    this.#running = state.running;
    this.#pending = [...state.pending];
    for (const [id, record] of Object.entries(state.history)) this.history.set(id, record);
  }

  /** Takes the next prompt and makes it the running one; null when none waits. Throws SameItem. */
  take(): QueueItem | null {
    const [first] = this.#pending;
    if (!first) return null;
    const last = this.#pending.pop() as QueueItem;
    if (this.#pending.length > 0) {
      this.#pending[0] = last;
      this.#sink(0);
    }
    this.#running = first;
    this.#changed();
    return first;
  }

  /** The running prompt has ended. */
  finish(record: Omit<HistoryRecord, 'prompt'>): void {
    const item = this.#running;
    if (!item) return;
    if (this.history.size >= historyLimit) {
      for (const oldest of this.history.keys()) {
        this.history.delete(oldest);
        break;
      }
    }
    this.history.set(item[1], { prompt: withoutSecrets(item), ...record });
    this.#running = null;
    this.#changed();
  }

  /** Forgets a waiting prompt. The last one is told twice, as ComfyUI does. */
  delete(id: string): void {
    const at = this.#pending.findIndex((item) => item[1] === id);
    if (at === -1) return;
    if (this.#pending.length === 1) this.clear();
    else {
      const rest = this.#pending.toSpliced(at, 1);
      this.#pending = rest;
      for (let i = (rest.length >> 1) - 1; i >= 0; i--) this.#sink(i);
    }
    this.#changed();
  }

  clear(): void {
    this.#pending = [];
    this.#changed();
  }

  /** Each step is a swap, as in Python's heap: when a comparison fails halfway, nothing is lost or doubled. */
  #swap(a: number, b: number): void {
    const heap = this.#pending;
    [heap[a], heap[b]] = [heap[b] as QueueItem, heap[a] as QueueItem];
  }

  #rise(start: number): void {
    const heap = this.#pending;
    for (let at = start; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at] as QueueItem, heap[parent] as QueueItem)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Moves an item down to the bottom along the smaller children and up again from there, as Python's heap does. */
  #sink(start: number): void {
    const heap = this.#pending;
    let at = start;
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right && !before(heap[child] as QueueItem, right)) child++;
      this.#swap(at, child);
      at = child;
    }
    while (at > start) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at] as QueueItem, heap[parent] as QueueItem)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }
}
