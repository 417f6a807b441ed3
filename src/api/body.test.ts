import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiWorld, png, type ApiWorld } from '../../test/support/api.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld({ limits: { bodyBytes: 10_000 } });
});
afterEach(() => world.app.close());

const send = (url: string, payload: Buffer | string, type: string | undefined, method: 'POST' | 'PATCH' = 'POST') =>
  world.app.inject({ method, url, payload, headers: { prefer: 'respond-async', ...(type === undefined ? {} : { 'content-type': type }) } });
const noJobs = async () => expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';
const multipart = 'multipart/form-data; boundary=b';
const parts = (...given: [head: string, content: string | Buffer][]) =>
  Buffer.concat([
    ...given.flatMap(([head, content]) => [
      Buffer.from(`--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--b--\r\n'),
  ]);
/** `before`, a byte that begins no letter of UTF-8, `after`. */
const broken = (before: string, after = '') => Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);

describe('bytes that are no UTF-8 are refused, not replaced', () => {
  test.each<[string, string, string, Buffer | string]>([
    ['JSON', '/', json, broken('{"prompt":"', '"}')],
    ['JSON of a job', '/fleet/v1/jobs', json, broken('{"inputs":{"prompt":"', '"}}')],
    ['JSON of a deployment', '/fleet/v1/deployments', json, broken('{"name":"', '"}')],
    ['JSON of a key', '/fleet/v1/keys', json, broken('{"name":"', '"}')],
    ['a letter cut in two', '/', json, Buffer.from('{"prompt":"ü"}').subarray(0, 12)],
    ['JSON that curl calls a form', '/', form, broken('{"prompt":"', '"}')],
    ['a form', '/', form, broken('prompt=a')],
    ['a form, encoded', '/', form, 'prompt=a%FFb'],
    ['a name in a form, encoded', '/', form, 'prompt=a&%C3=b'],
    ['a field of multipart', '/', multipart, parts(['name="prompt"', broken('a')])],
    [
      'a field of multipart that names another encoding',
      '/',
      multipart,
      parts(['name="prompt"\r\nContent-Type: text/plain; charset=latin1', broken('a')]),
    ],
  ])('%s', async (_what, url, type, payload) => {
    const response = await send(url, payload, type);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toMatchObject({ status: 400, code: 'invalid_body', detail: expect.stringContaining('UTF-8') });
    await noJobs();
  });

  test('all that is UTF-8 comes as it was sent', async () => {
    const prompt = 'naïve 猫 🦊 100% "é"';
    await send('/', JSON.stringify({ prompt }), json);
    await send('/', `\uFEFF${JSON.stringify({ prompt })}`, json);
    await send('/', new URLSearchParams({ prompt }).toString(), form);
    await send('/', parts(['name="prompt"', prompt]), multipart);
    expect(world.bound).toEqual(Array.from({ length: 4 }, () => ({ prompt })));
  });

  test('a percent sign that nobody encoded stands for itself', async () => {
    await send('/', 'prompt=100%+wool&steps=7', form);
    expect(world.bound).toEqual([{ prompt: '100% wool', steps: 7 }]);
  });

  test('files may have any bytes', async () => {
    expect((await send('/', parts(['name="background"; filename="a.png"', png]), multipart)).statusCode).toBe(202);
    expect((await send('/fleet/v1/uploads', Buffer.from([0xff, 0xfe]), 'application/octet-stream')).statusCode).toBe(201);
  });
});

test.each([
  ['{"prompt":"\\ud800"}', '/'],
  ['{"prompt":"a\\uDC00\\uD800b"}', '/'],
  ['{"inputs":{"\\udfff":1}}', '/fleet/v1/jobs'],
  ['{"graph":{"1":{"class_type":"A","inputs":{"text":["\\ud83e"]}}}}', '/fleet/v1/jobs'],
])('half of a letter, %s, is refused', async (payload, url) => {
  expect((await send(url, payload, json)).json()).toMatchObject({
    status: 400,
    code: 'invalid_body',
    detail: expect.stringContaining('half of a letter'),
  });
  await noJobs();
});

test('whole letters may be escaped, and backslashes may stand before anything', async () => {
  await send('/', '{"prompt":"\\ud83e\\udd8a \\\\ud800"}', json);
  expect(world.bound).toEqual([{ prompt: '🦊 \\ud800' }]);
});

test('a body that is encoded is refused by name', async () => {
  const response = await world.app.inject({
    method: 'POST',
    url: '/',
    payload: '{}',
    headers: { 'content-type': json, 'content-encoding': 'gzip' },
  });
  expect(response.json()).toMatchObject({ status: 415, detail: 'The body is encoded as "gzip"; send it as it is' });
  await noJobs();
});

describe('seeds beyond 2^53', () => {
  const seed = '18446744073709551615';

  test.each<[string, string | Buffer, string]>([
    ['a JSON number', `{"seed":${seed}}`, json],
    ['digits in JSON', `{"seed":"${seed}"}`, json],
    ['a form', `seed=${seed}`, form],
    ['multipart', parts(['name="seed"', seed]), multipart],
  ])('%s comes exactly as sent', async (_what, payload, type) => {
    expect((await send('/', payload, type)).statusCode).toBe(202);
    expect(world.bound).toEqual([{ seed }]);
  });

  test('in the inputs and in a graph of a job', async () => {
    await send('/fleet/v1/jobs', `{"inputs":{"seed":${seed}}}`, json);
    expect(world.bound).toEqual([{ seed }]);
    const { id } = (await send('/fleet/v1/jobs', `{"graph":{"1":{"class_type":"KSampler","inputs":{"seed":${seed}}}}}`, json)).json();
    expect((await world.context.jobs.get(id)).graph['1']?.inputs).toEqual({ seed });
  });
});

describe('types of bodies', () => {
  const all = 'application/json, multipart/form-data, application/x-www-form-urlencoded';

  test.each([
    ['/', 'text/plain', `The body is "text/plain"; POST / takes ${all}`],
    ['/', 'nonsense', `The body is "nonsense"; POST / takes ${all}`],
    ['/', undefined, `The body comes without a Content-Type; POST / takes ${all}`],
    ['/d/collage/', 'application/xml', `The body is "application/xml"; POST /d/:target/ takes ${all}`],
    ['/fleet/v1/jobs', 'text/yaml', 'The body is "text/yaml"; POST /fleet/v1/jobs takes application/json'],
    ['/fleet/v1/jobs', form, `The body is "${form}"; POST /fleet/v1/jobs takes application/json`],
    ['/fleet/v1/jobs', multipart, `The body is "${multipart}"; POST /fleet/v1/jobs takes application/json`],
  ])('%s with %s: 415 names what came and what is taken', async (url, type, detail) => {
    const response = await send(url, type === multipart ? parts(['name="prompt"', 'x']) : 'prompt=x', type);
    expect(response.json()).toMatchObject({ status: 415, code: 'unsupported_media_type', detail });
    await noJobs();
  });

  test('PATCH takes JSON only, too', async () => {
    const response = await send('/fleet/v1/deployments/collage/scaling', 'max_containers=2', form, 'PATCH');
    expect(response.json()).toMatchObject({ status: 415, detail: expect.stringContaining('takes application/json') });
  });

  test('an empty form, as curl -d "" sends it, is no body', async () => {
    expect((await send('/', '', form)).statusCode).toBe(202);
    const { id } = (await send('/fleet/v1/jobs', '{}', json)).json();
    expect((await send(`/fleet/v1/jobs/${id}/cancel`, '', form)).json()).toMatchObject({ state: 'canceled' });
  });

  test.each([
    ['has no name', parts(['filename="a"', 'x']), 400, 'A part of the form has no name'],
    [
      'has a name that reaches into prototypes',
      parts(['name="__proto__"', 'x']),
      400,
      'The form has a field with a name that is not allowed',
    ],
    ['is cut off', parts(['name="prompt"', 'x']).subarray(0, 60), 400, 'The form is cut off or malformed'],
    [
      'has too many parts',
      parts(...Array.from({ length: 1_001 }, (_, n): [string, string] => [`name="f${n}"`, ''])),
      413,
      'The form has too many parts',
    ],
  ])('a form that %s', async (_what, payload, status, detail) => {
    expect((await send('/', payload, multipart)).json()).toMatchObject({ status, detail: expect.stringContaining(detail) });
    await noJobs();
  });

  test('a body that is too large says what is allowed', async () => {
    const response = await send('/', JSON.stringify({ prompt: 'x'.repeat(10_001) }), json);
    expect(response.json()).toMatchObject({ status: 413, code: 'body_too_large', detail: 'The body has more than 10000 bytes' });
  });

  test('fields of a form are small together', async () => {
    const many = Array.from({ length: 20 }, (_, n): [string, string] => [`name="f${n}"`, 'x'.repeat(600)]);
    expect((await send('/', parts(...many), multipart)).json()).toMatchObject({ status: 413, code: 'body_too_large' });
    await noJobs();
  });
});
