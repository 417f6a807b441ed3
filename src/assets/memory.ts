import { Readable } from 'node:stream';
import type { Clock } from '../fleet/clock.ts';
import type { Asset, Assets } from './assets.ts';
import { assetId } from './hash.ts';
import { Lately } from './lately.ts';
import { checkSize, limited, noAsset } from './limit.ts';

/** Assets that are gone with the process: for tests and simulations. */
export function createMemoryAssets(clock: Pick<Clock, 'now'>): Assets {
  const files = new Map<string, Buffer>();
  const lately = new Lately(clock);

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
      lately.note(id);
      files.set(id, bytes);
      return { id, bytes: bytes.length };
    },
    async keep(id) {
      if (!files.has(id)) return false;
      lately.note(id);
      return true;
    },
    async read(id, range) {
      const content = find(id);
      const part = range ? content.subarray(range.start, range.end + 1) : content;
      return { stream: Readable.from([part]), bytes: part.length };
    },
    pour: async (id, { start, end }, take) => take(find(id).subarray(start, end + 1)),
    bytes: async (id) => find(id),
    async remove(ids) {
      const stay: Asset[] = [];
      for (const [id, content] of ids.map((one) => [one, files.get(one)] as const)) {
        if (content && lately.has(id)) stay.push({ id, bytes: content.length });
        else files.delete(id);
      }
      return stay;
    },
  };
}
