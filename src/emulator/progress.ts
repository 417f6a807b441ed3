import type { Sockets } from './sockets.ts';

interface NodeProgress {
  value: number;
  max: number;
  state: 'running' | 'finished';
}

/** What has begun in the running prompt, told to its client as `progress_state`; without a client id, to all. */
export class Progress {
  readonly #sockets: Sockets;
  readonly #promptId: string;
  readonly #clientId: string | null;
  readonly #nodes = new Map<string, NodeProgress>();

  constructor(sockets: Sockets, promptId: string, clientId: string | null) {
    this.#sockets = sockets;
    this.#promptId = promptId;
    this.#clientId = clientId;
  }

  start(node: string): void {
    this.#nodes.set(node, { value: 0, max: 1, state: 'running' });
    this.#tell();
  }

  step(node: string, value: number, max: number): void {
    this.#nodes.set(node, { value, max, state: 'running' });
    this.#tell();
  }

  finish(node: string): void {
    const max = this.#nodes.get(node)?.max ?? 1;
    this.#nodes.set(node, { value: max, max, state: 'finished' });
    this.#tell();
  }

  #tell(): void {
    if (!this.#sockets.reaches(this.#clientId)) return;
    const prompt_id = this.#promptId;
    const nodes: Record<string, unknown> = {};
    for (const [node_id, { value, max, state }] of this.#nodes) {
      const ids = { display_node_id: node_id, parent_node_id: null, real_node_id: node_id };
      nodes[node_id] = { value, max, state, node_id, prompt_id, ...ids };
    }
    this.#sockets.send('progress_state', { prompt_id, nodes }, this.#clientId);
  }
}
