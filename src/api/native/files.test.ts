import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configOf, createApiWorld, listen, rawRequest, type ApiWorld } from '../../../test/support/api.ts';
import { t0 } from '../../../test/contract/store-samples.ts';
import type { Caller } from '../../store/store.ts';
import { resolveFiles } from './resolve-files.ts';

let world: ApiWorld;
beforeEach(async () => void (world = await createApiWorld({ limits: { uploadBytes: 100_000 } })));
afterEach(() => world.app.close());

type Part = { name: string; value?: string; filename?: string; content?: Buffer | string };

function formOf(parts: readonly Part[]): Buffer {
  const chunks = parts.flatMap(({ name, value, filename, content = '' }) => [
    `--edge\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n`,
    filename === undefined ? (value ?? '') : content,
    '\r\n',
  ]);
  return Buffer.concat([...chunks, '--edge--\r\n'].map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
}

const multipart = { 'content-type': 'multipart/form-data; boundary=edge' };
type Headers = Record<string, string>;

const upload = (parts: readonly Part[], { url = '/upload/image', headers = {} }: { url?: string; headers?: Headers } = {}) =>
  world.app.inject({ method: 'POST', url, payload: formOf(parts), headers: { ...multipart, ...headers } });
const image = (filename: string, content: Buffer | string = 'bytes', more: Part[] = []) =>
  upload([...more, { name: 'image', filename, content }]);
const view = (query: Record<string, string> | string, headers: Headers = {}) =>
  world.app.inject({ url: `/view?${typeof query === 'string' ? query : new URLSearchParams(query).toString()}`, headers });

const picture = (width = 4, height = 4) =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.5 } } })
    .png()
    .toBuffer();

describe('uploads', () => {
  test('at every place where the dialect lives, and nowhere else', async () => {
    for (const place of ['', '/api', '/d/collage', '/d/collage/api', '/d/collage@staging', '/d/collage@staging/api']) {
      expect((await upload([{ name: 'image', filename: 'a.txt', content: place }], { url: `${place}/upload/image` })).statusCode).toBe(200);
      const url = `${place}/view?type=input&filename=a.txt`;
      expect((await world.app.inject(url)).body).toBe('');
      expect((await world.app.inject({ url, method: 'HEAD' })).statusCode).toBe(200);
    }
    const nowhere = await world.app.inject('/d/nothing/view?type=input&filename=a.txt');
    expect(nowhere.statusCode).toBe(404);
    expect(nowhere.json()).toMatchObject({ error: { type: 'unknown_deployment' }, node_errors: {} });
  });

  test('the order of parts makes no difference, and the first of a name counts', async () => {
    const parts: Part[] = [
      { name: 'image', filename: 'a.txt', content: 'first' },
      { name: 'image', filename: 'b.txt', content: 'second' },
      { name: 'other', filename: 'c.txt', content: 'third' },
      { name: 'subfolder', value: 'x//y/' },
      { name: 'subfolder', value: 'z' },
    ];
    expect((await upload(parts)).json()).toEqual({ name: 'a.txt', subfolder: 'x/y', type: 'input' });
    expect((await view({ filename: 'a.txt', subfolder: './x/y', type: 'input' })).body).toBe('first');
  });

  test.each([
    ['a name that leads out', { filename: '../x.png' }, {}],
    ['a Windows path that leads out', { filename: '..\\x.png' }, {}],
    ['an absolute name', { filename: '/etc/passwd' }, {}],
    ['a folder as the name', { filename: 'a/..' }, {}],
    ['a null byte in the name', { filename: 'a\u0000.png' }, {}],
    ['a name that no folder takes', { filename: `${'x'.repeat(252)}.png` }, {}],
    ['a subfolder that leads out', { filename: 'x.png' }, { subfolder: 'a/../../b' }],
    ['an absolute subfolder', { filename: 'x.png' }, { subfolder: '/etc' }],
    ['a null byte in the subfolder', { filename: 'x.png' }, { subfolder: 'a\u0000b' }],
    ['a very long subfolder', { filename: 'x.png' }, { subfolder: 'a/'.repeat(600) }],
  ])('%s is refused, and the file is known to the sweeper', async (_, { filename }, fields) => {
    const more = Object.entries(fields).map(([name, value]) => ({ name, value }));
    const response = await image(filename, 'bytes', more);
    expect([response.statusCode, response.body]).toEqual([400, '']);
    const { store, clock } = world.context;
    const swept = await store.sweep({ at: clock.now(), jobsBefore: 0, outputsBefore: 0, uploadsBefore: t0 + 1, limit: 10 });
    expect(swept.assets).toHaveLength(1);
  });

  test('too much of anything ends with 413 and nothing kept', async () => {
    const large = await image('large.bin', Buffer.alloc(100_001));
    expect([large.statusCode, large.body]).toEqual([413, 'Maximum request body size 100000 exceeded.']);
    const many = Array.from({ length: 25 }, (_, i) => ({ name: `field-${i}`, value: 'x' }));
    expect((await image('a.png', 'bytes', many)).statusCode).toBe(413);
    expect((await image('a.png', 'bytes', [{ name: 'subfolder', value: 'x'.repeat(70_000) }])).statusCode).toBe(413);
    expect((await view({ filename: 'large.bin', type: 'input' })).statusCode).toBe(404);
  });

  test('a large body whose length is not told is cut off', async () => {
    const port = await listen(world.app);
    const head = `POST /upload/image HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Type: ${multipart['content-type']}\r\n\r\n`;
    const part = `--edge\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n${'x'.repeat(200_000)}`;
    expect(await rawRequest(port, `${head}${part.length.toString(16)}\r\n${part}\r\n`)).toMatch(/^HTTP\/1.1 413 /);
  });

  test('what is no whole form is refused', async () => {
    const send = (payload: string, type: string) =>
      world.app.inject({ method: 'POST', url: '/upload/image', payload, headers: { 'content-type': type } });
    for (const [payload, type] of [
      ['{}', 'application/json'],
      ['{', 'application/json'],
      ['a=b', 'application/x-www-form-urlencoded'],
      ['x', 'multipart/form-data'],
      ['', 'text/plain'],
    ] as const) {
      expect([type, (await send(payload, type)).statusCode]).toEqual([type, 400]);
    }
    const cut = await send(
      formOf([{ name: 'image', filename: 'a', content: 'bytes' }])
        .toString()
        .slice(0, -20),
      multipart['content-type'],
    );
    expect(cut.statusCode).toBe(400);
    expect((await image('__proto__', 'bytes', [{ name: '__proto__', value: 'x' }])).statusCode).toBeGreaterThanOrEqual(400);
  });
});

describe('/view', () => {
  test.each([
    ['filename=a%00.png', 400],
    ['filename=..%2Fa.png', 400],
    ['filename=%2Fetc%2Fpasswd', 400],
    ['filename=a.png&type=constructor', 400],
    ['filename=a.png&subfolder=..', 403],
    ['filename=a.png&subfolder=a%00', 403],
    ['filename=a.png&subfolder=%5C..%5C', 403],
    ['filename[]=a.png', 404],
    ['filename=%FF%FE', 404],
    ['filename=a%2F', 404],
    [`filename=${'x'.repeat(5_000)}`, 404],
    ['', 404],
  ])('%s: %i', async (query, status) => {
    const response = await view(query);
    expect([response.statusCode, response.body]).toEqual([status, '']);
  });

  test('the first of two values counts', async () => {
    await image('a.txt');
    expect((await view('filename=a.txt&filename=b.txt&type=input&type=temp')).body).toBe('bytes');
  });

  test('ranges: one is served, odd ones are not', async () => {
    await image('a.txt', '0123456789');
    const part = async (range: string) => {
      const { statusCode, headers, body } = await view({ filename: 'a.txt', type: 'input' }, { range });
      return [statusCode, headers['content-range'], body];
    };
    expect(await part('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await part('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await part('bytes=8-99999999999999999999')).toEqual([206, 'bytes 8-9/10', '89']);
    expect(await part('bytes=10-')).toEqual([416, 'bytes */10', '']);
    expect(await part('bytes=-0')).toEqual([416, 'bytes */10', '']);
    for (const whole of ['bytes=0-1,3-4', 'bytes=5-2', 'bytes=-', 'bytes=x', 'lines=0-1']) {
      expect(await part(whole)).toEqual([200, undefined, '0123456789']);
    }
  });

  test('a tag that is known costs no bytes, until the name has other bytes', async () => {
    await image('a.txt', 'one');
    const { etag = '' } = (await view({ filename: 'a.txt', type: 'input' })).headers as Headers;
    expect((await view({ filename: 'a.txt', type: 'input' }, { 'if-none-match': etag })).statusCode).toBe(304);
    await image('a.txt', 'two', [{ name: 'overwrite', value: 'true' }]);
    expect((await view({ filename: 'a.txt', type: 'input' }, { 'if-none-match': etag })).body).toBe('two');
  });

  test('nothing that was uploaded is a page of ours', async () => {
    const script = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
    for (const name of ['a.svg', 'a.html', 'a.js', 'a.css', 'a.xml', 'a.pdf', 'a.xhtml', 'a.png']) {
      await image(name, script);
      const { headers } = await view({ filename: name, type: 'input' });
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toMatch(/^sandbox;/);
      expect(headers['content-type']).not.toMatch(/html|javascript|[^+]xml$|pdf|css/);
      if (name === 'a.svg') expect(headers['content-disposition']).toMatch(/^attachment;/);
    }
  });

  test('a name with quotes and letters of all kinds stays one header', async () => {
    const { store, assets, clock } = world.context;
    const { id, bytes } = await assets.put(Buffer.from('x'));
    const filename = 'a"; \\ ä 图.txt';
    const file = { type: 'output' as const, subfolder: '', filename, asset: id, bytes, mime: 'text/plain' };
    await store.nameUpload({ caller, file, overwrite: false, at: clock.now() });
    const { headers } = await view({ filename });
    expect(headers['content-disposition']).toBe(`inline; filename=" _ _.txt"; filename*=UTF-8''${encodeURIComponent(' ä 图.txt')}`);
  });

  test('pictures are converted; what is none is trouble', async () => {
    await image('a.png', await picture(), [{ name: 'type', value: 'output' }]);
    const converted = await view({ filename: 'a.png', preview: 'webp;20' });
    expect(converted.headers['content-type']).toBe('image/webp');
    expect(await sharp(converted.rawPayload).metadata()).toMatchObject({ format: 'webp', width: 4, hasAlpha: true });
    const etag = String(converted.headers['etag']);
    expect((await view({ filename: 'a.png', preview: 'webp;20' }, { 'if-none-match': etag })).statusCode).toBe(304);
    expect((await view({ filename: 'a.png', preview: 'webp;21' }, { 'if-none-match': etag })).statusCode).toBe(200);
    expect((await view({ filename: 'a.png', preview: 'jpeg;99999999999' })).headers['content-type']).toBe('image/jpeg');
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><image href="file:///etc/passwd"/></svg>';
    const whole = await picture(64, 64);
    for (const content of [svg, 'no picture', '', bomb(whole), whole.subarray(0, 60)]) {
      await image('b.png', content, [{ name: 'overwrite', value: '1' }]);
      const refused = await view({ filename: 'b.png', type: 'input', preview: 'webp' });
      expect([refused.statusCode, refused.body]).toEqual([500, '500 Internal Server Error\n\nServer got itself in trouble']);
    }
  });

  test('many conversions at once, whole and broken ones: each gets its answer', async () => {
    await image('a.png', await picture(300, 300));
    await image('b.png', 'no picture');
    const asked = Array.from({ length: 24 }, (_, i) => view({ filename: i % 3 === 0 ? 'b.png' : 'a.png', type: 'input', preview: 'jpeg' }));
    expect((await Promise.all(asked)).map(({ statusCode }) => statusCode)).toEqual(asked.map((_, i) => (i % 3 === 0 ? 500 : 200)));
  });

  test('a name whose file is gone is 404', async () => {
    await image('a.txt');
    const named = await world.context.store.namedFile({ caller, type: 'input', subfolder: '', filename: 'a.txt' });
    await world.clock.runFor(11 * 60_000);
    await world.context.assets.remove([named?.asset ?? '']);
    for (const more of [{}, { preview: 'webp' }] as Headers[]) {
      expect((await view({ filename: 'a.txt', type: 'input', ...more })).statusCode).toBe('preview' in more ? 500 : 404);
    }
  });
});

/** A picture that says it has 50,000 times 50,000 pixels. */
function bomb(png: Buffer): Buffer {
  const changed = Buffer.from(png);
  changed.writeUInt32BE(50_000, 16);
  changed.writeUInt32BE(50_000, 20);
  return changed;
}

const caller: Caller = { workspace: 'local', key: null };

describe('/upload/mask', () => {
  const mask = (original: unknown, content: Buffer, name = 'masked.png') =>
    upload(
      [
        { name: 'original_ref', value: typeof original === 'string' ? original : JSON.stringify(original) },
        { name: 'image', filename: name, content },
      ],
      { url: '/upload/mask' },
    );

  test('keeps the colours and the words of the original', async () => {
    const words = withWords(await picture(), 'workflow', '{"nodes": []}');
    await image('original.png', words, [{ name: 'type', value: 'output' }]);
    const alpha = await sharp(await picture())
      .ensureAlpha(1)
      .png()
      .toBuffer();
    expect((await mask({ filename: 'original.png [output]' }, alpha)).statusCode).toBe(200);
    const masked = (await view({ filename: 'masked.png', type: 'input' })).rawPayload;
    expect(masked.includes('workflow\0{"nodes": []}')).toBe(true);
    expect([...(await sharp(masked).raw().toBuffer()).subarray(0, 3)]).toEqual([...(await sharp(words).raw().toBuffer()).subarray(0, 3)]);
  });

  test('a reference that is none, a picture that is none, one of another size: trouble, and nothing is named', async () => {
    await image('original.png', await picture());
    await image('text.png', 'no picture');
    const input = (filename: unknown) => ({ filename, type: 'input' });
    for (const reference of ['', '{', '[]', 'null', '1', {}, input(1), input(['a'])]) {
      expect([reference, (await mask(reference, await picture())).statusCode]).toEqual([reference, 500]);
    }
    expect((await mask(input('text.png'), await picture())).statusCode).toBe(500);
    expect((await mask(input('original.png'), await picture(5, 4))).statusCode).toBe(500);
    expect((await mask(input('original.png'), Buffer.from('no picture'))).statusCode).toBe(500);
    for (const nowhere of ['../original.png', '/etc/passwd', 'nothing.png', 'a\u0000b']) {
      expect([nowhere, (await mask(input(nowhere), await picture())).statusCode]).toEqual([nowhere, 200]);
    }
    expect((await view({ filename: 'masked.png', type: 'input' })).statusCode).toBe(404);
  });
});

/** A PNG that also says something. */
function withWords(png: Buffer, key: string, text: string): Buffer {
  const body = Buffer.from(`tEXt${key}\0${text}`, 'latin1');
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(body.length - 4);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([png.subarray(0, 33), frame.subarray(0, 4), body, frame.subarray(4), png.subarray(33)]);
}

describe('whose files', () => {
  test('each key has its own; an admin that came by a key sees all, its own first', async () => {
    await world.app.close();
    world = await createApiWorld({ config: { network: { ...configOf().network, host: '0.0.0.0' } } });
    const key = async (name: string, role: 'admin' | 'invoke'): Promise<Headers> => ({
      authorization: `Bearer ${(await world.context.keys.create(name, role)).secret}`,
    });
    const [ada, bob, root] = [await key('ada', 'invoke'), await key('bob', 'invoke'), await key('root', 'admin')];
    const put = (headers: Headers, content: string) => upload([{ name: 'image', filename: 'a.txt', content }], { headers });
    const look = async (headers: Headers) => (await view({ filename: 'a.txt', type: 'input' }, headers)).body;
    expect((await put({}, 'nobody')).json()).toMatchObject({ error: { type: 'unauthorized' }, node_errors: {} });
    await put(ada, 'ada');
    expect([await look(ada), await look(bob), await look(root)]).toEqual(['ada', '', 'ada']);
    expect((await put(bob, 'bob')).json()).toMatchObject({ name: 'a.txt' });
    await put(root, 'root');
    expect([await look(ada), await look(bob), await look(root)]).toEqual(['ada', 'bob', 'root']);
  });
});

describe('files that a graph reads', () => {
  const load = (value: unknown, classType = 'LoadImage', field = 'image') =>
    ({ class_type: classType, inputs: { [field]: value } }) as { class_type: string; inputs: Record<string, string> };

  test('are the caller’s, by all ways to name them', async () => {
    await image('a.png', 'a');
    await image('b.png', 'b', [{ name: 'subfolder', value: 'x/y' }]);
    await image('c.png', 'c', [{ name: 'type', value: 'output' }]);
    await image('d.png', 'd', [{ name: 'type', value: 'temp' }]);
    const names = ['a.png', 'x/y/b.png', 'c.png [output]', 'd.png [temp]', 'a.png [input]'];
    const graph = Object.fromEntries(names.map((name, index) => [String(index), load(name)]));
    const { files, missing } = await resolveFiles(world.context.store, graph, null, caller);
    expect(files.map(({ name }) => name)).toEqual(names);
    expect(new Set(files.map(({ asset }) => asset)).size).toBe(4);
    expect(missing).toEqual([]);
    const other = await resolveFiles(world.context.store, graph, null, { workspace: 'local', key: 'other' });
    expect(other.files).toEqual([]);
    expect(other.missing[2]).toEqual({ node: '2', field: 'image', value: 'c.png [output]' });
  });

  test('or ship with the workflow, or lie on the containers; texts and models are none', async () => {
    const definitions = {
      LoadImage: { input: { required: { image: [['there.png'], { image_upload: true }] } }, output: [], name: '', output_node: false },
    } as never;
    const graph = {
      1: load('shipped.png'),
      2: load('there.png'),
      3: load('gone.png'),
      4: load('../../etc/passwd'),
      5: load('sd15.safetensors', 'CheckpointLoaderSimple', 'ckpt_name'),
      6: load('gone.png', 'CLIPTextEncode', 'text'),
      7: load('shipped.png'),
      8: load('shipped.png', 'CLIPTextEncode', 'text'),
    };
    const shipped = [{ name: 'shipped.png', asset: 'blake3:shipped' }];
    const { files, missing } = await resolveFiles(world.context.store, graph, definitions, caller, shipped);
    const fields = [
      ['1', 'image'],
      ['7', 'image'],
    ];
    expect(files).toEqual([{ ...shipped[0], fields }]);
    expect(missing.map(({ node }) => node)).toEqual(['3', '4']);
  });
});

describe('a large file', () => {
  const content = Buffer.from(Array.from({ length: 1_500_000 }, (_, index) => (index * 7) % 251));

  /** A world that listens, with the file under the name `large.bin`. */
  async function withLargeFile(): Promise<{ url: string; asset: string }> {
    const { store, assets, clock } = world.context;
    const { id, bytes } = await assets.put(content);
    const file = { type: 'output' as const, subfolder: '', filename: 'large.bin', asset: id, bytes, mime: 'video/mp4' };
    await store.nameUpload({ caller, file, overwrite: false, at: clock.now() });
    return { url: `http://127.0.0.1:${await listen(world.app)}/view?filename=large.bin`, asset: id };
  }

  test('comes whole and in parts, with the headers of small ones, over one connection', async () => {
    const { url } = await withLargeFile();
    for (let round = 0; round < 3; round++) {
      const whole = await fetch(url);
      expect(Object.fromEntries(whole.headers)).toMatchObject({
        'content-length': '1500000',
        'content-type': 'video/mp4',
        'accept-ranges': 'bytes',
        'x-content-type-options': 'nosniff',
        etag: expect.stringMatching(/^"blake3:/),
      });
      expect(Buffer.from(await whole.arrayBuffer()).equals(content)).toBe(true);
      const part = await fetch(url, { headers: { range: 'bytes=1000-1200999' } });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1000-1200999/1500000']);
      expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(1_000, 1_201_000))).toBe(true);
    }
    const gone = await fetch(url, { headers: { range: 'bytes=2000000-' } });
    expect(gone.status).toBe(416);
  });

  test('a client that goes in the middle leaves nothing behind; a file that is gone is 404', async () => {
    const { url, asset } = await withLargeFile();
    const leaving = new AbortController();
    const answer = await fetch(url, { signal: leaving.signal });
    leaving.abort();
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect((await fetch(url)).status).toBe(200);
    await world.clock.runFor(11 * 60_000);
    await world.context.assets.remove([asset]);
    const missing = await fetch(url);
    expect([missing.status, await missing.text()]).toEqual([404, '']);
  });
});
