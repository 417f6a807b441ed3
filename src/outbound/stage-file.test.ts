import { Readable } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { t0 } from '../../test/contract/store-samples.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { Assets } from '../assets/assets.ts';
import { createMemoryAssets } from '../assets/memory.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { createStageFile, type StageFile } from './stage-file.ts';
import { sniff } from './sniff.ts';

const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
let assets: Assets;
let store: Store;
let stage: StageFile;
let status = 200;
const touched: string[] = [];

beforeEach(() => {
  const clock = new VirtualClock(t0);
  assets = createMemoryAssets(clock);
  store = createMemoryStore();
  status = 200;
  touched.length = 0;
  const watched: Store = { ...store, touchAsset: (input) => (touched.push(`${input.kind} ${input.bytes}`), store.touchAsset(input)) };
  stage = createStageFile({
    assets,
    store: watched,
    clock,
    maxBytes: 1_000,
    fetch: async (url) => ({ status, headers: {}, url: new URL(url), body: Readable.from([png]) }),
  });
});

const expected = async () => {
  const { id } = await assets.put(png);
  return { asset: id, bytes: png.length, mime: 'image/png', name: `${id.slice(7, 39)}.png` };
};

describe('sources', () => {
  test.each([
    ['a URL', 'https://files.example/some.bin?x=1'],
    ['a data URL', `data:image/jpeg;base64,${png.toString('base64')}`],
    ['base64', png.toString('base64')],
    ['base64 for URLs', png.toString('base64url')],
    ['base64 in lines', png.toString('base64').replace(/(.{8})/g, '$1\n')],
  ])('%s', async (_what, source) => expect(await stage(source)).toEqual(await expected()));

  test('bytes and streams, whatever name they came with', async () => {
    expect(await stage({ content: png, filename: '../../etc/passwd' })).toEqual(await expected());
    expect(await stage({ content: Readable.from([png.subarray(0, 9), png.subarray(9)]) })).toEqual(await expected());
    expect(touched).toEqual(['upload 16', 'upload 16']);
  });

  test('an earlier upload', async () => {
    const { asset } = await stage({ content: png });
    expect(await stage(asset)).toEqual(await expected());
    await expect(stage(`blake3:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'invalid_input' });
  });

  test('a data URL of text', async () => {
    const file = await stage('data:text/plain,gr%C3%BC%C3%9Fe');
    expect((await assets.bytes(file.asset)).toString()).toBe('grüße');
    expect(file.name).toMatch(/\.bin$/);
  });
});

test('the ending is of the content, else of the name, and nothing else of the name', async () => {
  const content = Buffer.from('plain text');
  expect((await stage({ content, filename: 'a/../b.CSV' })).name).toMatch(/^[0-9a-f]{32}\.csv$/);
  expect((await stage({ content, filename: 'x.tar;rm -rf' })).name).toMatch(/\.bin$/);
  expect((await stage({ content: png, filename: 'x.exe' })).name).toMatch(/\.png$/);
});

test('an empty file is a file', async () => {
  expect(await stage({ content: Buffer.alloc(0), filename: 'empty.txt' })).toMatchObject({ bytes: 0, mime: 'application/octet-stream' });
});

describe('what is refused', () => {
  test.each([
    ['a word', 'example.png', 'invalid_input'],
    ['short base64', 'test', 'invalid_input'],
    ['nothing', '', 'invalid_input'],
    ['a path', '/etc/passwd', 'invalid_input'],
    ['a data URL without data', 'data:image/png;base64', 'invalid_input'],
    ['a data URL that is not base64', 'data:image/png;base64,%%%', 'invalid_input'],
    ['a data URL that is not encoded', 'data:,%E0%A4%A', 'invalid_input'],
    ['a file URL', 'file:///etc/passwd', 'url_refused'],
    ['ftp', 'ftp://example.com/a.png', 'url_refused'],
    ['a URL with a password', 'https://a:b@example.com/', 'url_refused'],
  ])('%s', async (_what, source, code) => {
    await expect(stage(source)).rejects.toMatchObject({ code });
    expect(touched).toEqual([]);
  });

  test('a URL that does not answer with the file', async () => {
    status = 404;
    await expect(stage('https://files.example/a.png?key=secret')).rejects.toMatchObject({
      code: 'url_failed',
      message: 'https://files.example/a.png answered 404',
    });
  });

  test('what is too large', async () => {
    const large = Buffer.alloc(1_001);
    for (const source of [{ content: large }, { content: Readable.from([large]) }, large.toString('base64')]) {
      await expect(stage(source)).rejects.toMatchObject({ code: 'body_too_large' });
    }
  });
});

test.each([
  ['ffd8ffe0', 'image/jpeg'],
  ['474946383961', 'image/gif'],
  ['524946460000000057454250', 'image/webp'],
  ['0000001c66747970617669660000', 'image/avif'],
  ['0000001c6674797069736f6d', 'video/mp4'],
  ['00000014667479707174202000', 'video/quicktime'],
  ['1a45dfa3', 'video/webm'],
  ['524946460000000057415645', 'audio/wav'],
  ['664c6143', 'audio/flac'],
  ['494433', 'audio/mpeg'],
  ['3c73766720', undefined],
  ['', undefined],
])('%s is %s', (hex, mime) => expect(sniff(Buffer.from(hex, 'hex'))?.mime).toBe(mime));
