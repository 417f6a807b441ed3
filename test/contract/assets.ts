import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namingMs, type Assets } from '../../src/assets/assets.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** What every implementation of `Assets` does. `create` gives an empty one. */
export function assetsContract(name: string, open: (clock: VirtualClock) => Promise<Assets>): void {
  describe(`assets: ${name}`, () => {
    let clock: VirtualClock;
    const create = (): Promise<Assets> => open((clock = new VirtualClock()));
    const later = () => clock.runFor(namingMs);
    const isThere = (assets: Assets, id: string): Promise<boolean> =>
      assets.bytes(id).then(
        () => true,
        () => false,
      );
    const read = async (assets: Assets, id: string, range?: { start: number; end: number }) => {
      const { stream, bytes } = await assets.read(id, range);
      const content = await buffer(stream);
      expect(bytes).toBe(content.length);
      return content;
    };

    it('names a file by the BLAKE3 hash of its bytes', async () => {
      const asset = await (await create()).put(Buffer.from('abc'));
      expect(asset).toEqual({ id: 'blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85', bytes: 3 });
    });

    it('gives back what was put, as a buffer or as a stream cut anywhere', async () => {
      const assets = await create();
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
      const assets = await create();
      const { id } = await assets.put(Buffer.from('0123456789'));
      expect((await read(assets, id, { start: 2, end: 4 })).toString()).toBe('234');
      expect((await read(assets, id, { start: 8, end: 99 })).toString()).toBe('89');
      expect((await read(assets, id, { start: 50, end: 99 })).toString()).toBe('');
    });

    it('pours a range in order, each piece before the next, whatever its length', async () => {
      const assets = await create();
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
      const assets = await create();
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
      const assets = await create();
      const content = Buffer.alloc(100_000, 7);
      const puts = Array.from({ length: 12 }, (_, index) => assets.put(index % 2 === 0 ? content : Readable.from([content])));
      expect(new Set((await Promise.all(puts)).map(({ id }) => id)).size).toBe(1);
      const [first] = await Promise.all(puts);
      expect(await assets.bytes(first!.id)).toEqual(content);
    });

    it('refuses more bytes than allowed, and does not keep them', async () => {
      const assets = await create();
      const content = Buffer.from('too much');
      const { id } = await (await create()).put(content);
      await expect(assets.put(content, { maxBytes: 7 })).rejects.toMatchObject({ code: 'body_too_large' });
      await expect(assets.put(Readable.from([content]), { maxBytes: 7 })).rejects.toMatchObject({ code: 'body_too_large' });
      expect(await isThere(assets, id)).toBe(false);
      expect(await assets.put(content, { maxBytes: 8 })).toEqual({ id, bytes: 8 });
    });

    it('passes on the failure of a stream and keeps nothing', async () => {
      const assets = await create();
      const { id } = await (await create()).put(Buffer.from('half'));
      async function* broken() {
        yield Buffer.from('half');
        throw new Error('cut off');
      }
      await expect(assets.put(Readable.from(broken()))).rejects.toThrow('cut off');
      expect(await isThere(assets, id)).toBe(false);
      expect(await assets.put(Readable.from([Buffer.from('half')]))).toMatchObject({ id });
    });

    it('removes', async () => {
      const assets = await create();
      const { id } = await assets.put(Buffer.from('x'));
      const other = await assets.put(Buffer.from('y'));
      await later();
      expect(await assets.remove([id, id, `blake3:${'0'.repeat(64)}`, '../../etc/passwd'])).toEqual([]);
      expect([await isThere(assets, id), await isThere(assets, other.id)]).toEqual([false, true]);
      await expect(assets.read(id)).rejects.toMatchObject({ code: 'not_found' });
      await expect(assets.bytes(id)).rejects.toMatchObject({ code: 'not_found' });
      expect(await assets.keep(id)).toBe(false);
      expect(await assets.put(Buffer.from('x'))).toEqual({ id, bytes: 1 });
      expect(await isThere(assets, id)).toBe(true);
    });

    it.each(['put', 'keep'] as const)('does not remove what was %s again lately, and says so', async (how) => {
      const assets = await create();
      const bytes = Buffer.from('old');
      const old = await assets.put(bytes);
      const gone = await assets.put(Buffer.from('gone'));
      await later();
      // The store has said that nobody names them; then somebody comes.
      if (how === 'put') await assets.put(bytes);
      else expect(await assets.keep(old.id)).toBe(true);
      expect(await assets.remove([old.id, gone.id])).toEqual([old]);
      expect([await isThere(assets, old.id), await isThere(assets, gone.id)]).toEqual([true, false]);
      await clock.runFor(namingMs - 1);
      expect(await assets.remove([old.id])).toEqual([old]);
      await clock.runFor(1);
      expect(await assets.remove([old.id])).toEqual([]);
      expect(await isThere(assets, old.id)).toBe(false);
    });

    it('has what was put, however a removal falls in between', async () => {
      const assets = await create();
      const large = Buffer.alloc(300_000, 3);
      for (let round = 0; round < 40; round++) {
        const bytes = round % 4 === 3 ? large : Buffer.from(`round ${round % 3}`);
        const { id } = await assets.put(bytes);
        await later();
        const put = () => assets.put(round % 2 === 0 ? bytes : Readable.from([bytes]));
        const remove = () => assets.remove([id]);
        const orders = [
          () => [remove(), put()],
          () => [put(), remove()],
          () => [remove(), put(), remove(), put()],
          () => [remove(), Promise.resolve().then(put), remove()],
        ];
        await Promise.all(orders[round % orders.length]!());
        expect(await assets.bytes(id)).toEqual(bytes);
      }
    });

    it('keeps what is there, and nothing else, while a removal is under way', async () => {
      const assets = await create();
      for (let round = 0; round < 20; round++) {
        const { id } = await assets.put(Buffer.from(`kept ${round}`));
        await later();
        const [, kept] = await Promise.all(
          round % 2 === 0 ? [assets.remove([id]), assets.keep(id)] : [assets.keep(id).then(() => assets.remove([id])), assets.keep(id)],
        );
        expect(await isThere(assets, id)).toBe(kept);
      }
    });

    it('takes no id for a path', async () => {
      const assets = await create();
      for (const id of ['', '../secret', 'blake3:../../secret', `blake3:${'A'.repeat(64)}`, 'blake3:0']) {
        expect(await assets.keep(id)).toBe(false);
        await expect(assets.read(id)).rejects.toMatchObject({ code: 'not_found' });
      }
    });
  });
}
