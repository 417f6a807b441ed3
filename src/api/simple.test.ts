import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiWorld, listen, png, type ApiWorld } from '../../test/support/api.ts';
import { settle } from '../../test/support/virtual-clock.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { outputOf } from '../../test/contract/store-samples.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld();
});
afterEach(() => world.app.close());

const post = (url: string, payload: unknown, headers: Record<string, string> = {}) =>
  world.app.inject({ method: 'POST', url, headers, payload: payload as object });

const newestJob = async () => (await world.context.store.jobs({ limit: 1 })).items[0]!;

/** Plays the fleet for the request that `send` makes, once its job is there. */
async function answered<T>(send: () => Promise<T>, change: Parameters<ApiWorld['finish']>[1] = {}): Promise<T> {
  const before = (await world.context.store.jobs({ limit: 1 })).items[0]?.id;
  const answer = send();
  let refused = false;
  void answer.finally(() => (refused = true));
  for (;;) {
    await settle();
    if (refused) return answer;
    const job = (await world.context.store.jobs({ limit: 1 })).items[0];
    if (job && job.id !== before) {
      await world.finish(job.id, change);
      return answer;
    }
  }
}

describe('POST the inputs, get the result', () => {
  test.each(['/', '/d/collage', '/d/collage/', '/d/portrait/', '/d/collage@staging/'])('%s answers with the bytes', async (url) => {
    const response = await answered(() => post(url, { prompt: 'a phoenix' }));
    expect(response.statusCode).toBe(200);
    expect(response.rawPayload).toEqual(png);
    expect(response.headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(png.length),
      'content-disposition': `inline; filename="out.png"; filename*=UTF-8''out.png`,
      'x-content-type-options': 'nosniff',
      'x-comfleet-container-id': 'container-1',
      'server-timing': 'queue;dur=1000, cold;dur=0, run;dur=3900, store;dur=100',
    });
    const job = await newestJob();
    expect(response.headers['x-comfleet-job-id']).toBe(job.id);
    expect(job).toMatchObject({ source: 'simple', inputs: { prompt: 'a phoenix', seed: 42 }, key: null, priority: 0 });
    const [, name, environment = 'production'] = /^\/d\/(\w+)(?:@(\w+))?/.exec(url) ?? [null, 'collage'];
    expect(job).toMatchObject({ deployment: name, environment, revision: `${name}-${environment}-1` });
  });

  test('JSON for Accept: application/json', async () => {
    const response = await answered(() => post('/', { prompt: 'x' }, { accept: 'application/json' }));
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ state: 'succeeded', deployment: 'collage', outputs: [{ index: 0, mime: 'image/png' }] });
  });

  test('the bytes for a client that takes anything', async () => {
    const response = await answered(() => post('/', { prompt: 'x' }, { accept: '*/*' }));
    expect(response.headers['content-type']).toBe('image/png');
  });

  test('no body at all means no inputs', async () => {
    const response = await answered(() => world.app.inject({ method: 'POST', url: '/' }));
    expect(response.statusCode).toBe(200);
    expect(world.bound).toEqual([{}]);
  });

  test('text comes as text', async () => {
    const text = outputOf(null, { kind: 'text', mime: 'text/plain', text: 'grüße', filename: 'text.txt', bytes: 7 });
    const response = await answered(() => post('/', { prompt: 'x' }), { outputs: [text] });
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(response.body).toBe('grüße');
  });

  test('what a browser would run is downloaded and sandboxed', async () => {
    const svg = await world.context.assets.put(Buffer.from('<svg/>'));
    const output = outputOf(svg.id, { mime: 'image/svg+xml', filename: '../a"b.svg', bytes: 6 });
    const response = await answered(() => post('/', { prompt: 'x' }), { outputs: [output] });
    expect(response.headers['content-disposition']).toBe(`attachment; filename="a_b.svg"; filename*=UTF-8''a%22b.svg`);
    expect(response.headers['content-security-policy']).toContain('sandbox');
  });
});

describe('waiting', () => {
  test('Prefer: respond-async answers 202 at once', async () => {
    const response = await post('/', { prompt: 'x' }, { prefer: 'respond-async' });
    expect(response.statusCode).toBe(202);
    const { id } = await newestJob();
    expect(response.headers).toMatchObject({
      location: `/fleet/v1/jobs/${id}`,
      'x-comfleet-job-id': id,
      'preference-applied': 'respond-async',
    });
    expect(response.json()).toMatchObject({ id, state: 'queued', waiting_for: 'a container that starts' });
  });

  test.each([
    [{}, 120],
    [{ prefer: 'wait=5' }, 5],
    [{ prefer: 'handling=lenient, wait=7' }, 7],
    [{ prefer: 'wait=9999' }, 600],
    [{ prefer: 'wait=0' }, 0],
  ])('with %o it leads to the result after %i s', async (headers, seconds) => {
    const answer = post('/', { prompt: 'x' }, headers);
    let done = false;
    void answer.then(() => (done = true));
    await settle();
    if (seconds > 0) {
      await world.clock.runFor(seconds * 1000 - 1);
      expect(done).toBe(false);
    }
    await world.clock.runFor(1);
    const response = await answer;
    const { id } = await newestJob();
    expect(response.statusCode).toBe(303);
    expect(response.headers['location']).toBe(`/fleet/v1/jobs/${id}/result`);
    expect(response.headers['x-comfleet-job-id']).toBe(id);
    const result = world.app.inject(`/fleet/v1/jobs/${id}/result`);
    await world.finish(id);
    expect((await result).rawPayload).toEqual(png);
  });

  test('the result too leads to itself when it takes long', async () => {
    await post('/', { prompt: 'x' }, { prefer: 'respond-async' });
    const { id } = await newestJob();
    const answer = world.app.inject(`/fleet/v1/jobs/${id}/result?wait=3`);
    await settle();
    await world.clock.runFor(3_000);
    expect(await answer).toMatchObject({ statusCode: 303, headers: { location: `/fleet/v1/jobs/${id}/result` } });
  });

  test('a gateway that shuts down tells those who wait where their job is', async () => {
    const answer = post('/', { prompt: 'x' });
    await until(async () => (await world.context.store.jobs({ limit: 1 })).items.length === 1);
    await settle();
    world.drain();
    const { id } = await newestJob();
    expect(await answer).toMatchObject({ statusCode: 503, headers: { location: `/fleet/v1/jobs/${id}/result`, 'retry-after': '5' } });
    expect(await post('/', { prompt: 'x' })).toMatchObject({ statusCode: 503, headers: { 'retry-after': '5' } });
    expect(world.rejected).toEqual(['draining']);
  });
});

describe('jobs that do not succeed', () => {
  test.each([
    ['failed', 'workflow_error', 500],
    ['failed', 'out_of_memory', 500],
    ['failed', 'timeout', 504],
    ['failed', 'containers_lost', 502],
    ['failed', 'rejected_by_container', 422],
    ['expired', null, 504],
    ['canceled', null, 409],
  ] as const)('%s with %s is %i', async (state, code, status) => {
    const error = code && { code, message: 'It broke.', node: '3', classType: 'KSampler' };
    const response = await answered(() => post('/', { prompt: 'x' }, { accept: 'application/json' }), { state, error });
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    const { id } = await newestJob();
    expect(response.json()).toMatchObject({ code: code ?? state, status, job: id, state });
    if (code) expect(response.json()).toMatchObject({ detail: 'It broke.', error: { node: '3', class_type: 'KSampler' } });
    expect(response.headers['x-comfleet-job-id']).toBe(id);
  });

  test('a result without outputs says so', async () => {
    const response = await answered(() => post('/', { prompt: 'x' }), { outputs: [] });
    expect(response.json()).toMatchObject({ status: 404, code: 'unknown_output' });
  });
});

describe('headers of a request', () => {
  test('priority, deadline and webhook reach the job', async () => {
    const headers = {
      prefer: 'respond-async',
      'x-comfleet-priority': '-5',
      'x-comfleet-deadline': '90',
      'x-comfleet-webhook': 'https://example.com/hook',
    };
    await post('/', { prompt: 'x' }, headers);
    expect(await newestJob()).toMatchObject({ priority: -5, deadlineAt: world.clock.now() + 90_000, webhook: 'https://example.com/hook' });
  });

  test('a deadline may be a time', async () => {
    const at = new Date(world.clock.now() + 5_000).toISOString();
    await post('/', { prompt: 'x' }, { prefer: 'respond-async', 'x-comfleet-deadline': at });
    expect((await newestJob()).deadlineAt).toBe(world.clock.now() + 5_000);
  });

  test.each([
    ['x-comfleet-priority', '101', 400],
    ['x-comfleet-priority', 'high', 400],
    ['x-comfleet-priority', '', 400],
    ['x-comfleet-deadline', 'tomorrow', 400],
    ['x-comfleet-deadline', '2001-01-01T00:00:00Z', 400],
    ['x-comfleet-deadline', '0', 400],
    ['x-comfleet-deadline', '1e12', 400],
    ['x-comfleet-deadline', '1000000000000', 400],
    ['x-comfleet-webhook', 'ftp://example.com', 422],
    ['x-comfleet-webhook', 'nonsense', 422],
    ['x-comfleet-webhook', 'https://user:pass@example.com/', 422],
    ['x-comfleet-webhook', 'http://127.0.0.1/hook', 422],
    ['x-comfleet-webhook', 'http://localhost/hook', 422],
    ['x-comfleet-webhook', 'http://app.localhost:80/hook', 422],
    ['x-comfleet-webhook', 'http://[::ffff:10.0.0.1]/hook', 422],
    ['x-comfleet-on-disconnect', 'explode', 400],
    ['idempotency-key', 'k'.repeat(256), 400],
  ])('%s: %s is refused with %i and makes no job', async (name, value, status) => {
    const response = await post('/', { prompt: 'x' }, { [name]: value });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ status, detail: expect.any(String), next: expect.any(String) });
    expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);
  });
});

describe('a client that goes away', () => {
  let port: number;
  /** Requests that began to wait for their job. */
  let waiting = 0;
  beforeEach(async () => {
    await world.app.close();
    waiting = 0;
    const counted = (jobs: Jobs): Jobs => ({ ...jobs, wait: (id, options) => ((waiting += 1), jobs.wait(id, options)) });
    world = await createApiWorld({ change: ({ jobs }) => ({ jobs: counted(jobs) }) });
    port = await listen(world.app);
  });

  /** Asks, and goes away as soon as its job is there; settles when the server has noticed. */
  async function leave(headers: Record<string, string>): Promise<void> {
    const options = { port, host: '127.0.0.1', method: 'POST', path: '/', headers: { ...headers, 'content-type': 'application/json' } };
    const { promise: noticed, resolve } = Promise.withResolvers<void>();
    world.app.server.once('connection', (socket) => socket.once('close', () => resolve()));
    const before = waiting;
    const request = httpRequest(options).on('error', () => undefined);
    request.end('{"prompt":"x"}');
    await until(async () => waiting > before);
    request.destroy();
    await noticed;
    await settle();
  }

  test('its job goes on', async () => {
    await leave({});
    const { id } = await newestJob();
    await world.finish(id);
    expect((await world.context.jobs.get(id)).state).toBe('succeeded');
  });

  test('unless it said otherwise', async () => {
    await leave({ 'x-comfleet-on-disconnect': 'cancel' });
    await until(async () => (await newestJob()).state === 'canceled');
  });

  test('and only the one that made the job can end it so', async () => {
    const key = { 'idempotency-key': 'k' };
    const first = Promise.resolve(post('/', { prompt: 'x' }, key));
    await until(async () => waiting === 1);
    await leave({ ...key, 'x-comfleet-on-disconnect': 'cancel' });
    expect((await newestJob()).state).toBe('queued');
    await world.finish((await newestJob()).id);
    expect((await first).rawPayload).toEqual(png);
  });
});

describe('forms', () => {
  const boundary = 'xxBOUNDARYxx';
  const form = (...parts: [disposition: string, content: string | Buffer][]) =>
    Buffer.concat([
      ...parts.flatMap(([disposition, content]) => [
        Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
        Buffer.from(content),
        Buffer.from('\r\n'),
      ]),
      Buffer.from(`--${boundary}--\r\n`),
    ]);
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}`, prefer: 'respond-async' };

  test('text becomes what the inputs are', async () => {
    const response = await post('/', 'prompt=a+b&steps=7&hd=on&style=3', {
      'content-type': 'application/x-www-form-urlencoded',
      prefer: 'respond-async',
    });
    expect(response.statusCode).toBe(202);
    expect(world.bound).toEqual([{ prompt: 'a b', steps: 7, hd: true, style: 3 }]);
  });

  test('what does not read as a number is left for the check', async () => {
    await post('/', 'steps=many&hd=perhaps', { 'content-type': 'application/x-www-form-urlencoded', prefer: 'respond-async' });
    expect(world.bound).toEqual([{ steps: 'many', hd: 'perhaps' }]);
  });

  test('JSON that curl calls a form is read as JSON', async () => {
    await post('/', '{"prompt":"x","steps":2}', { 'content-type': 'application/x-www-form-urlencoded', prefer: 'respond-async' });
    expect(world.bound).toEqual([{ prompt: 'x', steps: 2 }]);
  });

  test('multipart with a file', async () => {
    const payload = form(['name="prompt"', 'x'], ['name="steps"', '7'], ['name="background"; filename="../../etc/passwd.png"', png]);
    const response = await post('/', payload, headers);
    expect(response.statusCode).toBe(202);
    const [values] = world.bound;
    expect(values).toMatchObject({ prompt: 'x', steps: 7 });
    expect(await world.context.assets.bytes(String(values!['background']))).toEqual(png);
  });

  test.each([
    ['a field twice', () => form(['name="prompt"', 'x'], ['name="prompt"', 'y']), 'invalid_body', 400],
    ['a file that is too large', () => form(['name="background"; filename="a.png"', Buffer.alloc(1_000_001)]), 'body_too_large', 413],
    ['a form without parts', () => Buffer.alloc(0), 'invalid_body', 400],
    ['a form cut off', () => form(['name="prompt"', 'x']).subarray(0, 60), 'invalid_body', 400],
    ['an unknown input', () => form(['name="nonsense"', 'x']), 'invalid_input', 422],
  ])('%s is refused', async (_what, payload, code, status) => {
    const response = await post('/', payload(), headers);
    expect(response.json()).toMatchObject({ code, status });
    expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);
  });
});

describe('bad bodies', () => {
  const json = { 'content-type': 'application/json' };
  test.each([
    ['no JSON', '{"prompt": oops}', json, 400, 'invalid_body'],
    ['an empty body', '', json, 400, 'invalid_body'],
    ['a list', '[1]', json, 400, 'invalid_body'],
    ['a text', '"x"', json, 400, 'invalid_body'],
    ['a poisoned key', '{"__proto__": {"x": 1}}', json, 400, 'invalid_body'],
    ['a kind that is not known', 'x', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['an unknown input', '{"nonsense": 1}', json, 422, 'invalid_input'],
    ['a field twice', 'prompt=x&prompt=y', { 'content-type': 'application/x-www-form-urlencoded' }, 400, 'invalid_body'],
    ['10 MB', JSON.stringify({ prompt: 'x'.repeat(10 * 1024 * 1024) }), json, 413, 'body_too_large'],
  ])('%s', async (_what, payload, headers, status, code) => {
    const response = await post('/', payload, headers);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(response.json()).toMatchObject({ status, code, request_id: response.headers['x-request-id'] });
    expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);
  });

  test('says where the JSON broke', async () => {
    expect((await post('/', '{"prompt": oops}', json)).json().detail).toContain(`token 'o'`);
  });

  test('an unknown deployment', async () => {
    expect((await post('/d/nonsense/', {})).json()).toMatchObject({ status: 404, code: 'unknown_deployment' });
  });

  test('a deployment that cannot run says why', async () => {
    const [first] = world.deployments.items;
    const problems = [{ code: 'missing_file' as const, node: '4', message: 'sd15.safetensors is not in models/checkpoints.' }];
    world.deployments.items[0] = { ...first!, problems };
    const response = await post('/', { prompt: 'x' });
    expect(response.json()).toMatchObject({ status: 422, code: 'missing_file', problems });
    expect(response.json().detail).toContain('sd15.safetensors');
  });
});

describe('GET /', () => {
  test('a browser is led to the page', async () => {
    expect(await world.app.inject({ url: '/', headers: { accept: 'text/html,*/*' } })).toMatchObject({
      statusCode: 302,
      headers: { location: '/dashboard/' },
    });
  });

  test('a program learns what there is and how to call it', async () => {
    const body = (await world.app.inject({ url: '/', headers: { host: 'localhost:8288' } })).json();
    expect(body.deployments.map((item: { name: string; url: string }) => [item.name, item.url])).toEqual([
      ['collage', '/'],
      ['portrait', '/d/portrait/'],
      ['collage', '/d/collage@staging/'],
    ]);
    expect(body.deployments[0].try).toBe(
      `curl -sL http://localhost:8288/ -H 'content-type: application/json' -d '{"prompt":"a regal phoenix"}' -o output`,
    );
    expect((await world.app.inject('/d/portrait/')).json()).toMatchObject({ name: 'portrait', inputs: { type: 'object' } });
  });
});

async function until(check: () => Promise<boolean>): Promise<void> {
  // Real sockets are in the way here, so turns of the event loop cannot be counted.
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 5));
}
