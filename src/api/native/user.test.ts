import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiWorld, type ApiWorld } from '../../../test/support/api.ts';
import { userLimits } from './user-files.ts';

let world: ApiWorld;
beforeEach(async () => void (world = await createApiWorld()));
afterEach(() => world.app.close());

type Headers = Record<string, string>;
const send = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: string | Buffer, headers: Headers = {}) =>
  world.app.inject({ method, url, ...(payload === undefined ? {} : { payload }), headers });
const get = (url: string, headers: Headers = {}) => send('GET', url, undefined, headers);
const file = (path: string): string => `/userdata/${encodeURIComponent(path)}`;
const key = async (name: string): Promise<Headers> => ({ 'x-api-key': (await world.context.keys.create(name, 'invoke')).secret });

describe('settings', () => {
  test('are merged, one by one or many at once, whatever their names', async () => {
    await send('POST', '/settings', '{"a": 1, "b": {"c": [true]}}');
    await send('POST', '/settings/a', '"two"', { 'content-type': 'text/plain' });
    await send('POST', '/settings/__proto__', '{"x": 1}', { 'content-type': 'application/json' });
    expect((await get('/settings')).body).toBe('{"a":"two","b":{"c":[true]},"__proto__":{"x":1}}');
    expect((await get('/settings/constructor')).json()).toBeNull();
    expect((await get('/d/collage/api/settings/b')).json()).toEqual({ c: [true] });
  });

  test('what is no JSON, or no object, is trouble', async () => {
    for (const body of ['', '{', '[]', '1', 'null']) expect((await send('POST', '/settings', body)).statusCode).toBe(500);
    expect((await send('POST', '/settings/a', '')).statusCode).toBe(500);
    expect((await get('/settings')).json()).toEqual({});
  });

  test('many changes at once: none is lost', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, i) => send('POST', `/settings/key-${i}`, String(i))));
    expect(Object.keys((await get('/settings')).json())).toHaveLength(30);
  });

  test('too much is refused', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(userLimits.fileBytes - 20) });
    expect((await send('POST', '/settings', body)).statusCode).toBe(200);
    const more = await send('POST', '/settings', JSON.stringify({ b: 'x'.repeat(100) }));
    expect(more.json()).toMatchObject({ error: { type: 'body_too_large' } });
    expect(more.statusCode).toBe(413);
  });
});

describe('files', () => {
  test('are kept byte for byte, replaced, moved and removed', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    expect((await send('POST', file('a/b.bin'), bytes)).json()).toBe('a/b.bin');
    expect((await get(file('a/b.bin'))).rawPayload).toEqual(bytes);
    expect((await send('POST', `${file('a/b.bin')}?overwrite=false`, 'x')).statusCode).toBe(409);
    expect((await send('POST', `${file('a/b.bin')}?full_info=true`, 'x')).json()).toMatchObject({ path: 'a/b.bin', size: 1 });
    await send('POST', file('a/c.bin'), 'other');
    const move = (query = '') => send('POST', `${file('a/b.bin')}/move/${encodeURIComponent('a/c.bin')}${query}`);
    expect((await move('?overwrite=false')).statusCode).toBe(409);
    expect((await move()).json()).toBe('a/c.bin');
    expect((await move()).statusCode).toBe(404);
    expect((await get(file('a/c.bin'))).body).toBe('x');
    expect((await send('POST', `${file('a/c.bin')}/move/${encodeURIComponent('a/c.bin')}`)).statusCode).toBe(200);
    expect((await get(file('a/c.bin'))).body).toBe('x');
    expect((await send('DELETE', file('a/c.bin'))).statusCode).toBe(204);
    expect((await send('DELETE', file('a/c.bin'))).statusCode).toBe(404);
    expect((await get('/v2/userdata')).json()).toEqual([]);
  });

  test('are listed by folder', async () => {
    for (const path of ['w/one.json', 'w/sub/two.json', 'top.json', 'wx/other.json']) await send('POST', file(path), '{}');
    expect((await get('/userdata?dir=w')).json()).toEqual(['one.json']);
    expect((await get('/userdata?dir=w/&recurse=true')).json()).toEqual(['one.json', 'sub/two.json']);
    expect((await get('/userdata?dir=w&recurse=true&split=true')).json()).toEqual([
      ['one.json', 'one.json'],
      ['sub/two.json', 'sub', 'two.json'],
    ]);
    expect((await get('/v2/userdata?path=w')).json()).toMatchObject([
      { name: 'sub', path: 'w/sub', type: 'directory' },
      { name: 'one.json', path: 'w/one.json', type: 'file', size: 2 },
    ]);
    expect((await get('/v2/userdata')).json<{ name: string }[]>().map(({ name }) => name)).toEqual(['w', 'wx', 'top.json']);
  });

  test('nothing leads out', async () => {
    for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a\u0000b', '..\\x', 'x'.repeat(300)]) {
      for (const method of ['GET', 'POST', 'DELETE'] as const) {
        const { statusCode } = await send(method, file(path), method === 'POST' ? 'x' : undefined);
        expect([path, method, [400, 403, 404].includes(statusCode)]).toEqual([path, method, true]);
      }
    }
    for (const folder of ['..', '/etc', 'a/../..', '%00']) {
      expect((await get(`/userdata?dir=${folder}`)).statusCode).toBe(403);
      expect((await get(`/v2/userdata?path=${folder}`)).statusCode).toBe(403);
    }
    expect((await get('/v2/userdata')).json()).toEqual([]);
  });

  test('an HTML file is no page of ours', async () => {
    await send('POST', file('a.html'), '<script>alert(1)</script>');
    const { headers } = await get(file('a.html'));
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(headers['content-security-policy']).toMatch(/^sandbox;/);
  });

  test('each caller has its own', async () => {
    const [ada, bob] = [await key('ada'), await key('bob')];
    await send('POST', file('a.json'), 'ada', ada);
    await send('POST', '/settings/a', '1', ada);
    for (const other of [bob, {}]) {
      expect((await get(file('a.json'), other)).statusCode).toBe(404);
      expect((await get('/settings', other)).json()).toEqual({});
      expect((await get('/v2/userdata', other)).json()).toEqual([]);
    }
    expect((await get(file('a.json'), ada)).body).toBe('ada');
  });

  test('too large, and too many, are refused; nothing of it is kept', async () => {
    expect((await send('POST', file('large'), Buffer.alloc(userLimits.fileBytes + 1))).statusCode).toBe(413);
    const list = Array.from({ length: userLimits.files }, (_, i) => ({ path: `f${i}`, size: 1, created: 0, modified: 0 }));
    await world.context.store.saveDocument({ name: 'user/local//files', value: list, at: 0 });
    expect((await send('POST', file('one-more'), 'x')).statusCode).toBe(413);
    expect((await send('POST', file('f1'), 'x')).statusCode).toBe(200);
    await world.context.store.saveDocument({ name: 'user/local//files', value: [{ ...list[0], size: 49_999_999 }], at: 0 });
    expect((await send('POST', file('b'), 'xx')).statusCode).toBe(413);
    expect((await get(file('b'))).statusCode).toBe(404);
  });
});

test('what the page asks for besides', async () => {
  expect((await get('/users')).json()).toEqual({ storage: 'server', migrated: false });
  for (const path of ['/i18n', '/workflow_templates', '/global_subgraphs']) expect((await get(`/api${path}`)).json()).toEqual({});
});
