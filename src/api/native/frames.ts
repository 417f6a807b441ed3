import type { PromptBusEvent } from '../../bus/events.ts';

/** Binary frames of ComfyUI's socket: a number for the kind, big-endian as all numbers in them, then what the kind has. */

const kinds = { picture: 1, text: 3, pictureWithMetadata: 4 } as const;

export type Preview = Extract<PromptBusEvent, { kind: 'preview' }>;

function frame(kind: number, second: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(kind, 0);
  head.writeUInt32BE(second, 4);
  return Buffer.concat([head, ...parts]);
}

/** For clients that announced `supports_preview_metadata`. */
export function frameWithMetadata({ metadata, image }: Preview): Buffer {
  const text = Buffer.from(JSON.stringify(metadata));
  return frame(kinds.pictureWithMetadata, text.length, text, image);
}

/** For all others: it does not say which prompt it is of. */
export const plainFrame = ({ mime, image }: Preview): Buffer => frame(kinds.picture, mime === 'image/png' ? 2 : 1, image);

export function textFrame(node: string, text: string): Buffer {
  const id = Buffer.from(node);
  return frame(kinds.text, id.length, id, Buffer.from(text));
}
