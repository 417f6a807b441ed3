import type { Json } from './protocol.ts';
import type { ClientMessage } from './runner.ts';

/** Messages of ComfyUI's WebSocket that the fleet acts on; all others are for ComfyUI clients, or left unread. */
export type SocketMessage =
  | { type: 'execution_success'; data: { prompt_id: string } }
  | { type: 'executing'; data: { prompt_id?: string; node: string | null; display_node?: string } }
  | { type: 'progress'; data: { prompt_id: string; node: string; value: number; max: number } }
  | { type: 'executed'; data: { prompt_id: string; node: string; display_node?: string; output: Record<string, Json> | null } }
  | { type: 'execution_error'; data: ExecutionError }
  | { type: 'execution_interrupted'; data: { prompt_id: string } };

/** Data of `execution_error`, on the socket and in history. */
export interface ExecutionError {
  prompt_id: string;
  node_id?: string;
  node_type?: string;
  exception_message?: string;
  exception_type?: string;
  traceback?: string[];
}

/** A picture sent over the socket. Without metadata (older servers) it belongs to whatever runs there. */
export interface SocketImage {
  readonly mime: 'image/jpeg' | 'image/png';
  readonly image: Buffer;
  readonly promptId: string | null;
  readonly node: string | null;
  /** As it came. */
  readonly metadata: Readonly<Record<string, Json>> | null;
}

const readTypes: ReadonlySet<string> = new Set([
  'execution_success',
  'executing',
  'progress',
  'executed',
  'execution_error',
  'execution_interrupted',
] satisfies SocketMessage['type'][]);

/** They speak of no prompt, and often. */
const unrelatedTypes: ReadonlySet<string> = new Set(['status', 'logs', 'feature_flags']);

const typePattern = /^\{\s*"type"\s*:\s*"([a-z_]+)"/;

/**
 * A text frame, or null when nobody needs it. The type is peeked at first: `progress_state` and `status` are most of the traffic,
 * and parsing them only to drop them would be most of the cost. `everything`: a ComfyUI client wants all that is said of its prompt.
 */
export function readTextFrame(frame: Buffer, everything: boolean): ClientMessage | null {
  const isNeeded = (type: string): boolean => (everything ? !unrelatedTypes.has(type) : readTypes.has(type));
  const peeked = typePattern.exec(frame.toString('latin1', 0, 48))?.[1];
  if (peeked !== undefined && !isNeeded(peeked)) return null;
  let message: unknown;
  try {
    message = JSON.parse(frame.toString('utf8'));
  } catch {
    return null; // Not ComfyUI's; whatever it meant, history will tell.
  }
  if (typeof message !== 'object' || message === null) return null;
  const { type, data } = message as { type?: unknown; data?: unknown };
  if (typeof type !== 'string' || !isNeeded(type) || typeof data !== 'object' || data === null) return null;
  return message as ClientMessage;
}

const previewImage = 1;
const textOfNode = 3;
const previewImageWithMetadata = 4;

/** A binary frame's picture; null for other kinds of frames. */
export function readBinaryFrame(frame: Buffer): SocketImage | null {
  if (frame.length < 8) return null;
  const event = frame.readUInt32BE(0);
  if (event === previewImage) {
    const mime = frame.readUInt32BE(4) === 2 ? 'image/png' : 'image/jpeg';
    return { mime, image: frame.subarray(8), promptId: null, node: null, metadata: null };
  }
  if (event !== previewImageWithMetadata) return null;
  const end = 8 + frame.readUInt32BE(4);
  if (end > frame.length) return null;
  try {
    const metadata = JSON.parse(frame.toString('utf8', 8, end)) as Record<string, Json>;
    const text = (key: string): string | null => (typeof metadata[key] === 'string' ? metadata[key] : null);
    return {
      mime: metadata['image_type'] === 'image/png' ? 'image/png' : 'image/jpeg',
      image: frame.subarray(end),
      promptId: text('prompt_id'),
      node: text('display_node_id') ?? text('node_id'),
      metadata,
    };
  } catch {
    return null; // A preview is not worth failing a prompt for.
  }
}

/** A binary frame's text, which a node sends while it runs; null for other kinds of frames. Whose it is, the frame does not say. */
export function readNodeText(frame: Buffer): { node: string; text: string } | null {
  if (frame.length < 8 || frame.readUInt32BE(0) !== textOfNode) return null;
  const end = 8 + frame.readUInt32BE(4);
  return end > frame.length ? null : { node: frame.toString('utf8', 8, end), text: frame.toString('utf8', end) };
}
