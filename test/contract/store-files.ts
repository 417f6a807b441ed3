import { expect, test } from 'vitest';
import type { Caller, FileName, NamedFile, Store, UnnamedOutput } from '../../src/store/store.ts';
import { hour, outputOf, succeeded, t0 } from './store-samples.ts';

const ada: Caller = { workspace: 'default', key: 'key-ada' };
const bob: Caller = { workspace: 'default', key: 'key-bob' };
const nobody: Caller = { workspace: 'default', key: null };

const fileOf = (filename: string, asset: string, change: Partial<NamedFile> = {}): NamedFile => ({
  type: 'input',
  subfolder: '',
  filename,
  asset,
  mime: 'image/png',
  bytes: 10,
  ...change,
});

const unnamed = (index: number, asset: string, change: Partial<UnnamedOutput> = {}): UnnamedOutput => ({
  node: '9',
  key: 'images',
  index,
  type: 'output',
  subfolder: '',
  stem: 'ComfyUI',
  extension: '.png',
  asset,
  mime: 'image/png',
  bytes: 10,
  ...change,
});

const names = (files: readonly NamedFile[]): string[] => files.map(({ filename }) => filename);

export function filesContract(store: () => Store): void {
  uploadContract(store);
  outputContract(store);
  namesSweepContract(store);
}

function uploadContract(store: () => Store): void {
  const upload = (file: NamedFile, { caller = ada, overwrite = false, at = t0 } = {}): Promise<NamedFile> =>
    store().nameUpload({ caller, file, overwrite, at });

  test('an upload has the name that it asked for, and reads back whole', async () => {
    const file = fileOf('photo.png', 'blake3:1', { subfolder: 'a/b', type: 'temp', mime: 'image/webp', bytes: 77 });
    expect(await upload(file)).toEqual(file);
    expect(await store().namedFile({ caller: ada, type: 'temp', subfolder: 'a/b', filename: 'photo.png' })).toEqual(file);
    for (const other of [{ type: 'input' as const }, { subfolder: 'a' }, { filename: 'Photo.png' }]) {
      const name: FileName = { type: 'temp', subfolder: 'a/b', filename: 'photo.png', ...other };
      expect(await store().namedFile({ caller: ada, ...name })).toBeNull();
    }
  });

  test('a name that is taken and as long as names may be is shortened by whole characters, so that a number fits in', async () => {
    for (const [name, ending] of [
      ['x'.repeat(251) + '.png', '.png'],
      ['🌊'.repeat(62) + 'abc.png', '.png'],
      ['é'.repeat(123) + 'a.tar.png', '.png'],
      [`a.${'é'.repeat(126)}b`, ''],
      [`.${'é'.repeat(127)}`, ''],
    ] as const) {
      expect(Buffer.byteLength(name)).toBe(255);
      expect((await upload(fileOf(name, 'blake3:0'))).filename).toBe(name);
      const taken: string[] = [];
      for (let i = 1; i <= 12; i++) taken.push((await upload(fileOf(name, `blake3:${i}`))).filename);
      for (const [i, given] of taken.entries()) {
        expect(given.endsWith(` (${i + 1})${ending}`)).toBe(true);
        expect(name.startsWith(given.slice(0, given.lastIndexOf(' (')))).toBe(true);
        expect(given.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(given)).toBeLessThanOrEqual(255);
        expect(Buffer.byteLength(given)).toBeGreaterThan(240);
      }
      expect((await upload(fileOf(name, 'blake3:12'))).filename).toBe(taken[11]);
    }
  });

  test('a name that is taken: equal bytes share it, others get a number before the ending', async () => {
    expect((await upload(fileOf('a.tar.gz', 'blake3:1'))).filename).toBe('a.tar.gz');
    expect((await upload(fileOf('a.tar.gz', 'blake3:2'))).filename).toBe('a.tar (1).gz');
    expect((await upload(fileOf('a.tar.gz', 'blake3:3'))).filename).toBe('a.tar (2).gz');
    expect((await upload(fileOf('a.tar.gz', 'blake3:2'))).filename).toBe('a.tar (1).gz');
    expect((await upload(fileOf('a.tar.gz', 'blake3:1'))).filename).toBe('a.tar.gz');
    expect((await upload(fileOf('b', 'blake3:1'))).filename).toBe('b');
    expect((await upload(fileOf('b', 'blake3:2'))).filename).toBe('b (1)');
    expect((await upload(fileOf('.b', 'blake3:1'))).filename).toBe('.b');
    expect((await upload(fileOf('.b', 'blake3:2'))).filename).toBe('.b (1)');
  });

  test('a number is passed over when somebody chose that name', async () => {
    await upload(fileOf('a.png', 'blake3:1'));
    await upload(fileOf('a (1).png', 'blake3:2'));
    await upload(fileOf('a (x).png', 'blake3:3'));
    expect((await upload(fileOf('a.png', 'blake3:3'))).filename).toBe('a (2).png');
  });

  test('overwrite puts new bytes under the name', async () => {
    await upload(fileOf('a.png', 'blake3:1'));
    expect((await upload(fileOf('a.png', 'blake3:2'), { overwrite: true })).filename).toBe('a.png');
    expect((await store().namedFile({ caller: ada, ...fileOf('a.png', '') }))?.asset).toBe('blake3:2');
  });

  test('uploads of one name at once: each has a name of its own', async () => {
    const files = await Promise.all(Array.from({ length: 20 }, (_, i) => upload(fileOf('a.png', `blake3:${i}`))));
    const expected = ['a.png', ...Array.from({ length: 19 }, (_, i) => `a (${i + 1}).png`)];
    expect(names(files).toSorted()).toEqual(expected.toSorted());
    for (const file of files) expect(await store().namedFile({ caller: ada, ...file })).toEqual(file);
  });

  test('equal uploads at once are one file', async () => {
    const files = await Promise.all(Array.from({ length: 10 }, () => upload(fileOf('a.png', 'blake3:1'))));
    expect(new Set(names(files))).toEqual(new Set(['a.png']));
  });

  test('each caller has folders of its own, and so has whoever needs no key', async () => {
    for (const [index, caller] of [ada, bob, nobody, { workspace: 'other', key: 'key-ada' }].entries()) {
      const at = t0 + index;
      expect((await upload(fileOf('a.png', `blake3:${index}`), { caller, at })).filename).toBe('a.png');
    }
    expect((await store().namedFile({ caller: bob, ...fileOf('a.png', '') }))?.asset).toBe('blake3:1');
    expect((await store().namedFile({ caller: nobody, ...fileOf('a.png', '') }))?.asset).toBe('blake3:2');
    expect((await store().namedFile({ caller: null, ...fileOf('a.png', '') }))?.asset).toBe('blake3:3');
    expect(await store().namedFile({ caller: null, ...fileOf('b.png', '') })).toBeNull();
  });

  test('the names of one folder, sorted by code point', async () => {
    for (const name of ['b.png', 'a.png', 'B.png', 'ü.png', '10.png', '9.png']) await upload(fileOf(name, 'blake3:1'));
    await upload(fileOf('below.png', 'blake3:1', { subfolder: 'a' }));
    await upload(fileOf('temp.png', 'blake3:1', { type: 'temp' }));
    await upload(fileOf('bob.png', 'blake3:1'), { caller: bob });
    const folder = { caller: ada, type: 'input' as const, subfolder: '' };
    expect(await store().fileNames(folder)).toEqual(['10.png', '9.png', 'B.png', 'a.png', 'b.png', 'ü.png']);
    expect(await store().fileNames({ ...folder, subfolder: 'a' })).toEqual(['below.png']);
    expect(await store().fileNames({ ...folder, subfolder: 'none' })).toEqual([]);
    await upload(fileOf('b.png', 'blake3:2'), { overwrite: true, at: t0 + 1 });
    await upload(fileOf('c.png', 'blake3:2'), { at: t0 + 2 });
    expect((await store().fileNames({ ...folder, newestFirst: true })).slice(0, 3)).toEqual(['c.png', 'b.png', '10.png']);
  });
}

function outputContract(store: () => Store): void {
  const name = (job: string, outputs: UnnamedOutput[], caller: Caller = ada): Promise<NamedFile[]> =>
    store().nameOutputs({ caller, job, at: t0, outputs });

  test('outputs are counted by folder and stem', async () => {
    const first = await name('a', [unnamed(0, 'blake3:0'), unnamed(1, 'blake3:1'), unnamed(0, 'blake3:2', { node: '10', stem: 'other' })]);
    expect(names(first)).toEqual(['ComfyUI_00001_.png', 'ComfyUI_00002_.png', 'other_00001_.png']);
    expect(first[1]).toEqual(fileOf('ComfyUI_00002_.png', 'blake3:1', { type: 'output' }));
    expect(names(await name('b', [unnamed(0, 'blake3:3', { extension: '.webp' })]))).toEqual(['ComfyUI_00003_.webp']);
    expect(names(await name('c', [unnamed(0, 'blake3:4', { subfolder: 'sub' })]))).toEqual(['ComfyUI_00001_.png']);
    expect(names(await name('d', [unnamed(0, 'blake3:5', { type: 'temp' })]))).toEqual(['ComfyUI_00001_.png']);
    expect(names(await name('e', [unnamed(0, 'blake3:6')], bob))).toEqual(['ComfyUI_00001_.png']);
    expect(await store().namedFile({ caller: ada, ...fileOf('ComfyUI_00001_.png', ''), type: 'output' })).toEqual(first[0]);
  });

  test('many jobs at once: no two outputs share a name', async () => {
    const jobs = Array.from({ length: 20 }, (_, i) => name(`job-${i}`, [unnamed(0, `blake3:${i}`), unnamed(1, `blake3:${i}-1`)]));
    expect(new Set((await Promise.all(jobs)).flatMap(names)).size).toBe(40);
  });

  test('an output that an earlier attempt made keeps its name and gets the new bytes', async () => {
    await name('a', [unnamed(0, 'blake3:0'), unnamed(1, 'blake3:1')]);
    const again = await name('a', [unnamed(1, 'blake3:new', { mime: 'image/webp', bytes: 11 }), unnamed(2, 'blake3:2')]);
    expect(names(again)).toEqual(['ComfyUI_00002_.png', 'ComfyUI_00003_.png']);
    expect(again[0]).toEqual(fileOf('ComfyUI_00002_.png', 'blake3:new', { type: 'output', mime: 'image/webp', bytes: 11 }));
    expect((await store().namedFile({ caller: ada, ...fileOf('ComfyUI_00002_.png', ''), type: 'output' }))?.asset).toBe('blake3:new');
    expect((await store().namedFile({ caller: ada, ...fileOf('ComfyUI_00001_.png', ''), type: 'output' }))?.asset).toBe('blake3:0');
  });

  test('counting passes over a name that somebody uploaded', async () => {
    const file = fileOf('ComfyUI_00001_.png', 'blake3:up', { type: 'output' });
    await store().nameUpload({ caller: ada, file, overwrite: false, at: t0 });
    expect(names(await name('a', [unnamed(0, 'blake3:0')]))).toEqual(['ComfyUI_00002_.png']);
    expect((await store().namedFile({ caller: ada, ...file }))?.asset).toBe('blake3:up');
  });
}

function namesSweepContract(store: () => Store): void {
  const keep = { at: t0 + 100 * hour, jobsBefore: 0, outputsBefore: 0, uploadsBefore: 0, limit: 100 };
  const asset = async (name: FileName): Promise<string | undefined> => (await store().namedFile({ caller: ada, ...name }))?.asset;

  test('names go with their assets, of their kind', async () => {
    await store().nameUpload({ caller: ada, file: fileOf('a.png', 'blake3:both'), overwrite: false, at: t0 });
    const outputs = [unnamed(0, 'blake3:both'), unnamed(1, 'blake3:out')];
    const [first, second] = await store().nameOutputs({ caller: ada, job: 'a', at: t0, outputs });
    const named = async () => Promise.all([fileOf('a.png', ''), first, second].map(async (file) => file && asset(file)));
    expect(await store().sweep({ ...keep, uploadsBefore: t0, outputsBefore: t0 })).toMatchObject({ assets: [] });
    expect(await named()).toEqual(['blake3:both', 'blake3:both', 'blake3:out']);
    expect((await store().sweep({ ...keep, outputsBefore: t0 + 1 })).assets).toEqual(['blake3:out']);
    expect(await named()).toEqual(['blake3:both', undefined, undefined]);
    expect((await store().sweep({ ...keep, uploadsBefore: t0 + 1 })).assets).toEqual(['blake3:both']);
    expect(await named()).toEqual([undefined, undefined, undefined]);
  });

  test('an upload that is used again stays', async () => {
    await store().nameUpload({ caller: ada, file: fileOf('a.png', 'blake3:1'), overwrite: false, at: t0 });
    await store().nameUpload({ caller: ada, file: fileOf('a.png', 'blake3:1'), overwrite: false, at: t0 + 2 * hour });
    expect((await store().sweep({ ...keep, uploadsBefore: t0 + hour })).assets).toEqual([]);
    expect(await asset(fileOf('a.png', ''))).toBe('blake3:1');
  });

  test('while jobs are remembered, the number of a file that is gone is not given to another', async () => {
    const name = (job: string, at: number) => store().nameOutputs({ caller: ada, job, at, outputs: [unnamed(0, `blake3:${job}`)] });
    await succeeded(store(), 'a', t0, {}, [outputOf('blake3:a')]);
    await name('a', t0);
    await store().sweep({ ...keep, outputsBefore: t0 + hour });
    expect(await asset({ type: 'output', subfolder: '', filename: 'ComfyUI_00001_.png' })).toBeUndefined();
    expect(names(await name('b', t0 + hour))).toEqual(['ComfyUI_00002_.png']);
    await store().sweep({ ...keep, jobsBefore: t0 + 2 * hour });
    expect(names(await name('c', t0 + 3 * hour))).toEqual(['ComfyUI_00001_.png']);
  });
}
