import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Assets } from '../../src/assets/assets.ts';

/** What every implementation of `Assets` does. `create` gives an empty one. */
export function assetsContract(name: string, create: () => Assets): void {
  describe(`assets: ${name}`, () => {
    const read = async (assets: Assets, id: string, range?: { start: number; end: number }) => {
      const { stream, bytes } = await assets.read(id, range);
      const content = await buffer(stream);
      expect(bytes).toBe(content.length);
      return content;
    };

    it('names a file by the BLAKE3 hash of its bytes', async () => {
      const asset = await create().put(Buffer.from('abc'));
      expect(asset).toEqual({ id: 'blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85', bytes: 3 });
    });

    it('gives back what was put, as a buffer or as a stream cut anywhere', async () => {
      const assets = create();
      await fc.assert(
        fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }), async (parts) => {
          const whole = Buffer.concat(parts);
          const one = await assets.put(whole);
          const two = await assets.put(Readable.from(parts.map((part) => Buffer.from(part))));
          expect(two).toEqual(one);
          expect(await assets.bytes(one.id)).toEqual(whole);
          expect(await read(assets, one.id)).toEqual(whole);
        }),
        { numRuns: 40 },
      );
    });

    it('reads a part of a file', async () => {
      const assets = create();
      const { id } = await assets.put(Buffer.from('0123456789'));
      expect((await read(assets, id, { start: 2, end: 4 })).toString()).toBe('234');
      expect((await read(assets, id, { start: 8, end: 99 })).toString()).toBe('89');
      expect((await read(assets, id, { start: 50, end: 99 })).toString()).toBe('');
    });

    it('pours a range in order, each piece before the next, whatever its length', async () => {
      const assets = create();
      const content = Buffer.from(Array.from({ length: 1_000_003 }, (_, index) => (index * 7) % 251));
      const { id } = await assets.put(content);
      for (const [start, end] of [
        [0, content.length - 1],
        [262_143, 262_144],
        [262_144, 786_431],
        [999_999, 1_000_002],
      ] as const) {
        const pieces: Buffer[] = [];
        let taking = 0;
        await assets.pour(id, { start, end }, async (piece) => {
          expect(++taking).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          pieces.push(Buffer.from(piece));
          taking--;
        });
        expect(Buffer.concat(pieces).equals(content.subarray(start, end + 1))).toBe(true);
      }
    });

    it('pours to many at once without mixing them up, and to the next after one has failed', async () => {
      const assets = create();
      const contents = Array.from({ length: 8 }, (_, index) => Buffer.alloc(700_000, index + 1));
      const ids = await Promise.all(contents.map(async (content) => (await assets.put(content)).id));
      const pour = async (index: number): Promise<void> => {
        const range = { start: 0, end: 699_999 };
        if (index % 3 === 0) await expect(assets.pour(ids[index]!, range, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
        await assets.pour(ids[index]!, range, async (piece) => {
          await new Promise((resolve) => setImmediate(resolve));
          expect(piece.equals(contents[index]!.subarray(0, piece.length))).toBe(true);
        });
      };
      await Promise.all(contents.map((_, index) => pour(index)));
      let called = false;
      const nothing = assets.pour(`blake3:${'0'.repeat(64)}`, { start: 0, end: 1 }, async () => void (called = true));
      await expect(nothing).rejects.toMatchObject({ code: 'not_found' });
      expect(called).toBe(false);
    });

    it('takes the same bytes many times at once', async () => {
      const assets = create();
      const content = Buffer.alloc(100_000, 7);
      const puts = Array.from({ length: 12 }, (_, index) => assets.put(index % 2 === 0 ? content : Readable.from([content])));
      expect(new Set((await Promise.all(puts)).map(({ id }) => id)).size).toBe(1);
      const [first] = await Promise.all(puts);
      expect(await assets.bytes(first!.id)).toEqual(content);
    });

    it('refuses more bytes than allowed, and does not keep them', async () => {
      const assets = create();
      const content = Buffer.from('too much');
      const { id } = await create().put(content);
      await expect(assets.put(content, { maxBytes: 7 })).rejects.toMatchObject({ code: 'body_too_large' });
      await expect(assets.put(Readable.from([content]), { maxBytes: 7 })).rejects.toMatchObject({ code: 'body_too_large' });
      expect(await assets.has(id)).toBe(false);
      expect(await assets.put(content, { maxBytes: 8 })).toEqual({ id, bytes: 8 });
    });

    it('passes on the failure of a stream and keeps nothing', async () => {
      const assets = create();
      const { id } = await create().put(Buffer.from('half'));
      async function* broken() {
        yield Buffer.from('half');
        throw new Error('cut off');
      }
      await expect(assets.put(Readable.from(broken()))).rejects.toThrow('cut off');
      expect(await assets.has(id)).toBe(false);
      expect(await assets.put(Readable.from([Buffer.from('half')]))).toMatchObject({ id });
    });

    it('knows what it has, and removes', async () => {
      const assets = create();
      const { id } = await assets.put(Buffer.from('x'));
      const other = await assets.put(Buffer.from('y'));
      expect(await assets.has(id)).toBe(true);
      await assets.remove([id, id, `blake3:${'0'.repeat(64)}`, '../../etc/passwd']);
      expect(await assets.has(id)).toBe(false);
      expect(await assets.has(other.id)).toBe(true);
      await expect(assets.read(id)).rejects.toMatchObject({ code: 'not_found' });
      await expect(assets.bytes(id)).rejects.toMatchObject({ code: 'not_found' });
      expect(await assets.put(Buffer.from('x'))).toEqual({ id, bytes: 1 });
    });

    it('takes no id for a path', async () => {
      const assets = create();
      for (const id of ['', '../secret', 'blake3:../../secret', `blake3:${'A'.repeat(64)}`, 'blake3:0']) {
        expect(await assets.has(id)).toBe(false);
        await expect(assets.read(id)).rejects.toMatchObject({ code: 'not_found' });
      }
    });
  });
}
