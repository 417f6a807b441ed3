import { Readable } from 'node:stream';
import type { Assets } from './assets.ts';
import { assetId } from './hash.ts';
import { checkSize, limited, noAsset } from './limit.ts';

/** Assets that are gone with the process: for tests and simulations. */
export function createMemoryAssets(): Assets {
  const files = new Map<string, Buffer>();

  function find(id: string): Buffer {
    const content = files.get(id);
    if (!content) throw noAsset(id);
    return content;
  }

  return {
    async put(content, { maxBytes = Infinity } = {}) {
      const chunks: Buffer[] = [];
      if (Buffer.isBuffer(content)) chunks.push(content);
      else for await (const chunk of limited(content, maxBytes)) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      checkSize(bytes.length, maxBytes);
      const id = await assetId(bytes);
      files.set(id, bytes);
      return { id, bytes: bytes.length };
    },
    async read(id, range) {
      const content = find(id);
      const part = range ? content.subarray(range.start, range.end + 1) : content;
      return { stream: Readable.from([part]), bytes: part.length };
    },
    pour: async (id, { start, end }, take) => take(find(id).subarray(start, end + 1)),
    bytes: async (id) => find(id),
    has: async (id) => files.has(id),
    async remove(ids) {
      for (const id of ids) files.delete(id);
    },
  };
}
