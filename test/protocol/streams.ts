/** What of a socket's messages depends on speed or on chance, and is taken out where a scenario allows it. */

interface Shown {
  readonly type?: string;
  readonly frame?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface NodeState {
  readonly value: number;
  readonly max: number;
  readonly state: string;
}

const states = (message: Shown): Record<string, NodeState> => (message.data?.['nodes'] ?? {}) as Record<string, NodeState>;

/** The node that is between its first and last step, as a `progress_state` or `progress` shows it. */
function stepping(message: Shown): string | null {
  if (message.type === 'progress') return String(message.data?.['node']);
  if (message.type !== 'progress_state') return null;
  return Object.entries(states(message)).find(([, { state, value }]) => state === 'running' && value > 0)?.[0] ?? null;
}

/** Replaces a node's steps by one item that tells their shape: how many there were depends on the speed of the machine. */
export function withoutPace(messages: readonly unknown[]): unknown[] {
  const result: unknown[] = [];
  let open = null as { steps: string; max: unknown; each: string[] } | null;
  for (const message of messages as readonly Shown[]) {
    const isFrame = message.frame === 1 || message.frame === 4;
    const node: string | null = isFrame ? (open?.steps ?? null) : stepping(message);
    if (node === null) {
      // What others do to the queue is told whenever it happens, be it between two steps.
      if (message.type !== 'status') open = null;
      result.push(message.type === 'progress_state' ? withoutValues(message) : message);
      continue;
    }
    if (open?.steps !== node) {
      open = { steps: node, max: message.data?.['max'] ?? states(message)[node]?.max, each: [] };
      const before = (result as Shown[]).findLastIndex(({ type }) => type !== 'status');
      result.splice(before + 1, 0, open);
    }
    const kind = message.type ?? `frame ${message.frame}`;
    if (!open.each.includes(kind)) open.each.push(kind);
  }
  return result;
}

/** A node that was interrupted stays at the step that it had reached. */
function withoutValues(message: Shown): unknown {
  const nodes = Object.entries(states(message)).map(([id, { value, ...rest }]) => [id, { ...rest, begun: value > 0 }]);
  return { ...message, data: { ...message.data, nodes: Object.fromEntries(nodes) } };
}

/** Sorts the messages of each prompt by node: which of two independent outputs runs first is open. */
export function byNode(messages: readonly unknown[]): unknown[] {
  const result: unknown[] = [];
  let block: { node: string; message: unknown }[] = [];
  let seen: Record<string, NodeState> = {};
  const flush = (): void => {
    result.push(...block.sort((a, b) => (a.node === b.node ? 0 : a.node < b.node ? -1 : 1)).map(({ message }) => message));
    block = [];
  };
  for (const message of messages as readonly Shown[]) {
    let node = block.at(-1)?.node ?? '';
    if (message.type === 'progress_state') {
      const changed = Object.entries(states(message)).filter(([id, state]) => JSON.stringify(state) !== JSON.stringify(seen[id]));
      seen = states(message);
      node = changed[0]?.[0] ?? node;
      block.push({ node, message: { ...message, data: { ...message.data, nodes: Object.fromEntries(changed) } } });
      continue;
    }
    const named = message.data?.['node'];
    const isOfNode = ['executing', 'executed', 'progress'].includes(message.type ?? '') && typeof named === 'string';
    if (isOfNode) node = named;
    if (isOfNode || message.frame !== undefined) block.push({ node, message });
    else {
      flush();
      if (message.type === 'execution_start') seen = {};
      result.push(message);
    }
  }
  flush();
  return result;
}
