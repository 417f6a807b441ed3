import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Caller, isPng, type Answer, type Json } from './caller.ts';
import { Program, usualConfig } from './program.ts';

/** Whatever is wrong with a request: a true status, a problem that says what to do, and nothing has changed. */

let program: Program;
let caller: Caller;
/** A server that redirects to where the path says, and else answers with a text. */
let elsewhere: Server;
let elsewhereUrl: string;
/** Paths that it was asked for. */
const fetched: string[] = [];
let picture: Buffer;

beforeAll(async () => {
  // So that redirects can be tried, one private address is open; that of the gateway's containers is not.
  program = await Program.up({ config: { network: { port: 0, allow_private: ['127.0.0.2/32'] } } });
  caller = new Caller(program);
  picture = (await caller.ask('POST', '/', { body: {} })).body;
  elsewhere = createServer((request, response) => {
    fetched.push(request.url ?? '');
    const to = new URL(request.url ?? '/', 'http://x').searchParams.get('to');
    if (to !== null) response.writeHead(302, { location: to }).end();
    else if (request.url?.startsWith('/picture.png')) response.end(picture);
    else response.end('no picture');
  });
  elsewhere.listen(0, '127.0.0.2');
  await once(elsewhere, 'listening');
  elsewhereUrl = `http://127.0.0.2:${(elsewhere.address() as AddressInfo).port}`;
});
afterAll(async () => {
  elsewhere.closeAllConnections();
  elsewhere.close();
  await program.remove();
});

interface Expected {
  readonly status: number;
  readonly code: string;
  /** Words of the message. */
  readonly says?: RegExp;
}

/** Checks an answer against what must be true of every refusal. */
async function refused(answer: Answer | Promise<Answer>, { status, code, says }: Expected): Promise<void> {
  const { headers, json, ...got } = await answer;
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect({ status: got.status, code: json.code }).toEqual({ status, code });
  expect(json).toMatchObject({ status, title: expect.any(String) as string, next: expect.stringMatching(/\w/) as string });
  if (says) expect(json.detail).toMatch(says);
  expect(json.detail).not.toMatch(/^\s+at |node_modules/m);
}

/** Everything that could have changed. */
async function state(): Promise<Json> {
  const [jobs, containers, deployments] = await Promise.all([caller.jobs(), caller.containers(true), caller.get('/fleet/v1/deployments')]);
  return {
    jobs: jobs.length,
    containers: containers.length,
    deployments: deployments.items.map(({ updated_at }: Json) => updated_at as string),
  };
}

/** Runs it and checks that nothing has changed. */
async function changesNothing(work: () => Promise<unknown>): Promise<void> {
  const before = await state();
  await work();
  expect(await state()).toEqual(before);
}

const post = (body: unknown, headers: Record<string, string> = {}) => caller.ask('POST', '/', { body, headers });
const json = { 'content-type': 'application/json' };

describe('inputs', () => {
  test.each<[string, Json, RegExp]>([
    ['an unknown name', { promt: 'x' }, /did you mean prompt/],
    ['a wrong type', { prompt: 7 }, /"prompt" must be a text/],
    ['a number as text', { steps: '20' }, /"steps" must be a whole number/],
    ['a fraction', { steps: 1.5 }, /whole number/],
    ['below the range', { steps: 0 }, /at least 1/],
    ['above the range', { size: 100_000 }, /at most 512/],
    ['a seed beyond 2^64', { seed: 2 ** 65 }, /at most 18446744073709551615/],
    ['a seed with an exponent', '{"seed": 1e18}', /all its digits/],
    ['two at once', { promt: 'x', steps: -1 }, /promt.*steps/],
  ])('%s', (_what, body, says) => changesNothing(() => refused(post(body, json), { status: 422, code: 'invalid_input', says })));

  test.each<[string, Json, RegExp]>([
    ['a file name that we would have to know', { background: 'photo.png' }, /no file/],
    ['a path', { background: '../../etc/passwd' }, /no file|URL/],
    ['an upload that is not there', { background: { asset: `blake3:${'0'.repeat(64)}` } }, /no upload/],
    ['bytes that are no picture', { background: { data: Buffer.from('this is no picture at all').toString('base64') } }, /must be a PNG/],
    ['a list', { background: [] }, /must be a URL/],
  ])('a file: %s', (_what, body, says) =>
    changesNothing(() => refused(caller.ask('POST', '/d/tint/', { body }), { status: 422, code: 'invalid_input', says })),
  );
});

describe('URLs of inputs', () => {
  const tint = (url: string, headers: Record<string, string> = {}) =>
    caller.ask('POST', '/d/tint/', { body: { background: url }, headers });

  test.each([
    'http://127.0.0.1:1/x.png',
    'http://localhost:1/x.png',
    'http://[::1]/x.png',
    'http://[::ffff:127.0.0.1]/x.png',
    'http://0.0.0.0/x.png',
    'http://10.0.0.1/x.png',
    'http://192.168.1.1/x.png',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.64.0.1/x.png',
    'http://2130706433/x.png',
    'http://0x7f.1/x.png',
    'file:///etc/passwd',
    'ftp://example.org/x.png',
    'http://user:secret@example.org/x.png',
  ])('%s is refused', (url) => changesNothing(() => refused(tint(url), { status: 422, code: 'url_refused' })));

  test('after a redirect too', async () => {
    for (const to of [`${program.url}/fleet/v1/keys`, 'http://169.254.169.254/', 'file:///etc/passwd']) {
      await changesNothing(() => refused(tint(`${elsewhereUrl}/?to=${encodeURIComponent(to)}`), { status: 422, code: 'url_refused' }));
    }
    const circle = `${elsewhereUrl}/?to=${encodeURIComponent('/?to=/')}`;
    await refused(tint(`${elsewhereUrl}/?to=${encodeURIComponent(circle)}`), { status: 422, code: 'invalid_input', says: /PNG/ });
  });

  test('a request that is repeated with its Idempotency-Key fetches nothing', async () => {
    const ask = (path: string) => tint(`${elsewhereUrl}${path}`, { 'idempotency-key': 'fetched once' });
    const first = await ask('/picture.png?v=1');
    const again = await ask('/picture.png?v=1');
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.headers.get('x-comfleet-job-id')).toBe(first.headers.get('x-comfleet-job-id'));
    await refused(ask('/picture.png?v=2'), { status: 422, code: 'idempotency_mismatch' });
    expect(fetched.filter((path) => path.startsWith('/picture.png?'))).toEqual(['/picture.png?v=1']);
  });

  test('what allow_private opens is fetched', async () => {
    const answer = await tint(`${elsewhereUrl}/?to=/picture.png`);
    expect([answer.status, isPng(answer.body)]).toEqual([200, true]);
  });

  test('nobody listens there', () =>
    changesNothing(() => refused(tint('http://127.0.0.2:1/x.png'), { status: 422, code: 'url_failed', says: /ECONNREFUSED/ })));

  test('a webhook to a private address', () =>
    changesNothing(() => refused(post({}, { 'x-comfleet-webhook': 'http://10.0.0.1/hook' }), { status: 422, code: 'url_refused' })));
});

describe('bodies', () => {
  test.each<[string, string, Expected]>([
    ['no JSON', '{"prompt": ', { status: 400, code: 'invalid_body', says: /not JSON/ }],
    ['a list', '[]', { status: 400, code: 'invalid_body', says: /one JSON object/ }],
    ['a text', '"x"', { status: 400, code: 'invalid_body' }],
    ['nothing', '', { status: 400, code: 'invalid_body', says: /empty/ }],
    ['__proto__', '{"__proto__": {"x": 1}}', { status: 400, code: 'invalid_body', says: /__proto__/ }],
  ])('%s', (_what, body, expected) => changesNothing(() => refused(post(body, json), expected)));

  test('another kind', () =>
    changesNothing(() => refused(post('<a/>', { 'content-type': 'application/xml' }), { status: 415, code: 'unsupported_media_type' })));

  test('larger than 10 MB', () =>
    changesNothing(async () => {
      const body = JSON.stringify({ prompt: 'x'.repeat(11 * 1024 * 1024) });
      const length = Buffer.byteLength(body);
      const answer = await raw(`POST / HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('"code":"body_too_large"');
    }));

  test('cut off in the middle', () =>
    changesNothing(async () => {
      const socket = connect(Number(new URL(program.url).port), '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"prompt": "half');
      await once(socket, 'ready');
      socket.destroy();
      // The next request sees a server that is well.
      expect((await caller.ask('GET', '/readyz')).status).toBe(200);
    }));

  test('a form cut off in the middle', () =>
    changesNothing(() =>
      refused(
        caller.ask('POST', '/d/tint/', {
          body: '--x\r\ncontent-disposition: form-data; name="background"; filename="a.png"\r\n\r\nhalf',
          headers: { 'content-type': 'multipart/form-data; boundary=x' },
        }),
        { status: 400, code: 'invalid_body' },
      ),
    ));

  test('no HTTP at all', async () => {
    expect(await raw('HELLO\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"invalid_body"/);
  });
});

/** Sends text as it is; what comes back until the server ends it. */
async function raw(request: string): Promise<string> {
  const { host, port } = new URL(program.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.end(request.replace('HOST', host));
  return text(socket);
}

describe('headers', () => {
  test.each<[Record<string, string>, RegExp]>([
    [{ 'x-comfleet-priority': 'high' }, /-100 to 100/],
    [{ 'x-comfleet-deadline': 'soon' }, /2030/],
    [{ 'x-comfleet-deadline': '2020-01-01T00:00:00Z' }, /past/],
    [{ 'x-comfleet-on-disconnect': 'perhaps' }, /continue or cancel/],
    [{ 'idempotency-key': 'x'.repeat(300) }, /255/],
  ])('%j', (headers, says) => changesNothing(() => refused(post({}, headers), { status: 400, code: 'invalid_parameter', says })));
});

describe('graphs of clients', () => {
  const submit = (own: unknown) => caller.ask('POST', '/fleet/v1/jobs', { body: { graph: own } });
  const image = { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 1 } };
  const draw = JSON.parse(readFileSync(usualConfig.deployments.draw.workflow, 'utf8'));
  const save = { class_type: 'SaveImage', inputs: { filename_prefix: 'x', images: ['1', 0] } };

  test.each<[string, Json, Expected]>([
    ['an unknown node type', { 1: { class_type: 'MagicNode', inputs: {} } }, { status: 422, code: 'unknown_node', says: /MagicNode/ }],
    [
      'a cycle',
      {
        1: { class_type: 'ImageInvert', inputs: { image: ['2', 0] } },
        2: { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
        3: save,
      },
      { status: 422, code: 'invalid_graph', says: /cycle|circle/ },
    ],
    ['a link to nothing', { 2: save }, { status: 422, code: 'invalid_graph', says: /1/ }],
    ['UI format', { nodes: [], links: [], version: 0.4 }, { status: 422, code: 'ui_workflow', says: /UI/ }],
    ['no node', {}, { status: 422, code: 'invalid_graph' }],
    [
      'a model that is not there',
      { ...draw, 1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'none.safetensors' } } },
      { status: 422, code: 'missing_file', says: /none\.safetensors/ },
    ],
    [
      'a path out of the folder',
      { 1: { class_type: 'LoadImage', inputs: { image: '../../etc/passwd' } }, 2: save },
      { status: 422, code: 'invalid_graph', says: /out of its folder/ },
    ],
  ])('%s', (_what, graph, expected) => changesNothing(() => refused(submit(graph), expected)));

  const large = (nodes: number, letters: number) => ({
    ...Object.fromEntries(
      Array.from({ length: nodes }, (_, n) => [n + 10, { class_type: 'PrimitiveString', inputs: { value: 'x'.repeat(letters) } }]),
    ),
    1: image,
    2: save,
  });

  test('one of nearly 10 MB runs', async () => {
    const body = JSON.stringify({ graph: large(9_000, 1_000) });
    expect(Buffer.byteLength(body)).toBeGreaterThan(9_500_000);
    const answer = await caller.ask('POST', '/fleet/v1/jobs', { body, headers: json });
    expect(answer.status).toBe(202);
    expect((await caller.ended(answer.json.id)).state).toBe('succeeded');
  });

  test('one of 10 MB and more is too large, and so is one of too many nodes', async () => {
    await changesNothing(() => refused(submit(large(9_000, 1_200)), { status: 413, code: 'body_too_large' }));
    await changesNothing(() => refused(submit(large(20_000, 10)), { status: 422, code: 'invalid_graph', says: /20002 nodes/ }));
  });

  test('a good one runs, and both at once is a question', async () => {
    const answer = await submit({ 1: image, 2: save });
    expect(answer.status).toBe(202);
    expect(await caller.ended(answer.json.id)).toMatchObject({ state: 'succeeded', inputs: null });
    const both = caller.ask('POST', '/fleet/v1/jobs', { body: { graph: { 1: image }, inputs: {} } });
    await changesNothing(() => refused(both, { status: 400, code: 'invalid_parameter' }));
  });
});

describe('what is not there', () => {
  test.each<[string, string, Expected]>([
    ['GET', '/fleet/v1/jobs/none', { status: 404, code: 'unknown_job' }],
    ['GET', '/fleet/v1/jobs/none/events', { status: 404, code: 'unknown_job' }],
    ['GET', '/fleet/v1/jobs/none/result', { status: 404, code: 'unknown_job' }],
    ['DELETE', '/fleet/v1/jobs/none', { status: 404, code: 'unknown_job' }],
    ['POST', '/d/none/', { status: 404, code: 'unknown_deployment' }],
    ['POST', '/d/draw@staging/', { status: 404, code: 'unknown_deployment' }],
    ['GET', '/fleet/v1/containers/none/logs', { status: 404, code: 'unknown_container' }],
    ['GET', '/nowhere', { status: 404, code: 'not_found' }],
    ['GET', '/..%2f..%2fetc/passwd', { status: 404, code: 'not_found' }],
    ['GET', '/dashboard/..%2f..%2fpackage.json', { status: 404, code: 'not_found' }],
    ['GET', '/%zz', { status: 400, code: 'invalid_parameter' }],
    ['PUT', '/fleet/v1/jobs', { status: 405, code: 'method_not_allowed' }],
    ['GET', '/fleet/v1/jobs?limit=0', { status: 400, code: 'invalid_parameter' }],
    ['GET', '/fleet/v1/jobs?state=lost', { status: 400, code: 'invalid_parameter' }],
  ])('%s %s', (method, path, expected) => changesNothing(() => refused(caller.ask(method, path), expected)));
});

test('settings that cannot be are refused, and the old ones stay', async () => {
  for (const settings of [
    { min_containers: -1 },
    { max_containers: 1, min_containers: 2 },
    { scaledown_window: 'long' },
    { colour: 1 },
    { policy: 'magic' },
  ]) {
    await changesNothing(() => refused(caller.scale(settings), { status: 400, code: 'invalid_parameter' }));
  }
});
