import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { createApiWorld, workflow as ownWorkflow, type ApiWorld, type WorldOptions } from '../../../test/support/api.ts';
import { historyOf } from '../../../test/contract/store-samples.ts';
import type { Graph, NodeDefinitions } from '../../comfyui/protocol.ts';

let world: ApiWorld;
afterEach(() => world.app.close());

const saves: Graph = {
  1: { class_type: 'Empty', inputs: { width: 8, seed: 1 } },
  2: { class_type: 'Save', inputs: { images: ['1', 0], filename_prefix: 'x' } },
};
const definitions = {
  Empty: {
    input: { required: { width: ['INT', { min: 1, max: 64 }] }, optional: { seed: ['INT', { min: 0, max: 2 ** 64 }] } },
    output: ['IMAGE'],
    name: 'Empty',
    output_node: false,
  },
  Load: {
    input: { required: { image: [['there.png'], { image_upload: true }] }, optional: { path: ['STRING', {}] } },
    output: ['IMAGE'],
    name: 'Load',
    output_node: false,
  },
  Save: { input: { required: { images: ['IMAGE'], filename_prefix: ['STRING', {}] } }, output: [], name: 'Save', output_node: true },
} as unknown as NodeDefinitions;

const knowing: NonNullable<WorldOptions['change']> = ({ deployments }) => ({
  deployments: { ...deployments, definitions: () => definitions },
});

async function create(options: WorldOptions = {}): Promise<void> {
  world = await createApiWorld({ change: knowing, config: { openGraphs: true }, ...options });
}

type Answer = { status: number; json: Record<string, unknown>; text: string };

async function ask(method: 'GET' | 'POST', url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const payload = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  const { statusCode, body: text } = await world.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { status: statusCode, text, json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

const submit = async (id: string, more: object = {}, headers = {}): Promise<string> => {
  const { status, text } = await ask('POST', '/prompt', { prompt: structuredClone(saves), prompt_id: id, ...more }, headers);
  expect(status, text).toBe(200);
  const { items } = await world.context.store.jobs({ limit: 1 });
  return items[0]!.id;
};

const queue = async (headers = {}): Promise<{ running: string[]; pending: string[] }> => {
  const { queue_running: running, queue_pending: pending } = (await ask('GET', '/queue', undefined, headers)).json as Record<
    string,
    [number, string][]
  >;
  return { running: running!.map(([, id]) => id), pending: pending!.map(([, id]) => id) };
};

test('a prompt that the nodes of a moment ago refuse is checked against those of now', async () => {
  let current = definitions;
  let found = false;
  const wider = structuredClone(definitions) as unknown as { Empty: { input: { required: { width: [string, object] } } } };
  wider.Empty.input.required.width = ['INT', { min: 1, max: 4096 }];
  const learnNow = async (): Promise<boolean> => {
    if (found) current = wider as unknown as NodeDefinitions;
    return true;
  };
  await create({ change: ({ deployments }) => ({ learnNow, deployments: { ...deployments, definitions: () => current } }) });
  const wide = { prompt: { ...saves, 1: { class_type: 'Empty', inputs: { width: 2048, seed: 1 } } } };
  expect((await ask('POST', '/prompt', wide)).json).toMatchObject({ error: { type: 'prompt_outputs_failed_validation' } });
  found = true;
  expect((await ask('POST', '/prompt', wide)).status).toBe(200);
});

describe('POST /prompt', () => {
  test('reads JSON whatever the type says, and is stored with all that the client sent', async () => {
    await create();
    for (const type of [
      undefined,
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
    ]) {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      const extra_data = { extra_pnginfo: { workflow: { id: 'w' } }, api_key_comfy_org: 'secret', auth_token_comfy_org: 'secret' };
      const { status, json } = await ask('POST', '/prompt', { prompt: saves, client_id: 'me', extra_data }, headers);
      expect([type, status, json]).toMatchObject([type, 200, { node_errors: {} }]);
      const job = await world.context.store.jobOfPrompt({
        caller: null,
        deployment: 'collage',
        environment: 'production',
        promptId: json['prompt_id'] as string,
      });
      expect(job?.job).toMatchObject({
        source: 'native',
        graph: saves,
        prompt: { clientId: 'me', outputs: ['2'], extraData: { ...extra_data, client_id: 'me' } },
      });
    }
    expect((await ask('GET', '/queue')).text).not.toContain('secret');
    expect((await ask('GET', '/prompt')).json).toEqual({ exec_info: { queue_remaining: 5 } });
  });

  test('numbers are counted, spent by what is refused, turned by front, and chosen', async () => {
    await create();
    const number = async (more: object): Promise<unknown> => (await ask('POST', '/prompt', { prompt: saves, ...more })).json['number'];
    expect(await number({})).toBe(0);
    expect((await ask('POST', '/prompt', {})).json).toMatchObject({ error: { type: 'no_prompt' } });
    expect(await number({ front: true })).toBe(-2);
    expect(await number({ number: 7.5 })).toBe(7.5);
    expect(await number({ number: '-4' })).toBe(-4);
    expect(await number({})).toBe(3);
    expect((await ask('POST', '/prompt', { prompt: saves, number: 'x' })).status).toBe(500);
    const numbers = ((await ask('GET', '/queue')).json['queue_pending'] as [number][]).map(([first]) => first);
    expect(numbers).toEqual([-4, -2, 0, 3, 7.5]);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{"prompt": '],
    ['null', 'null'],
    ['a prompt that is a list', '{"prompt": []}'],
    ['a node that is none', '{"prompt": {"1": 5}}'],
    ['inputs that are none', '{"prompt": {"1": {"class_type": "Save", "inputs": 5}}}'],
    ['extra data that are none', JSON.stringify({ prompt: saves, extra_data: [] })],
  ])('%s: ComfyUI does not foresee it either', async (_, body) => {
    await create();
    expect(await ask('POST', '/prompt', body)).toMatchObject({
      status: 500,
      text: '500 Internal Server Error\n\nServer got itself in trouble',
    });
    expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);
  });

  const withSeed = (seed: string): string => JSON.stringify({ prompt: saves }).replace('"seed":1', `"seed":${seed}`);

  test.each([
    ['a number that JSON has not', withSeed('NaN'), 'NaN is no number of JSON (line 1, column 65, after ...'],
    ['an infinity', withSeed('1,\n"more":-Infinity'), '-Infinity is no number of JSON (line 2, column 8, after '],
    ['a node with the name of prototypes', '{"prompt": {"__proto__": {}}}', 'The key "__proto__"'],
    ['an input with that name, in escapes', withSeed('1,"\\u005f_proto__": {}'), 'The key "__proto__"'],
  ])('%s: refused with the reason', async (_, body, message) => {
    await create();
    expect(await ask('POST', '/prompt', body)).toMatchObject({
      status: 400,
      json: { error: { type: 'invalid_body', message: expect.stringContaining(message) as string }, node_errors: {} },
    });
    expect((await world.context.store.jobs({ limit: 1 })).items).toEqual([]);
  });

  test('the same in texts is no matter, and neither is it where all is no JSON', async () => {
    await create();
    const texts = JSON.stringify({ prompt: saves }).replace('"x"', String.raw`"NaN \"__proto__\": \"Infinity"`);
    expect((await ask('POST', '/prompt', texts)).status).toBe(200);
    expect((await ask('POST', '/prompt', '{"prompt": NaN, oops')).status).toBe(500);
  });

  test.each(['18446744073709551616', String(2n ** 70n), String(-(2n ** 60n)), '"99999999999999999999"'])(
    'the seed %s is out of range',
    async (seed) => {
      await create();
      const { status, json } = await ask('POST', '/prompt', withSeed(seed));
      expect(status).toBe(400);
      expect(JSON.stringify(json['node_errors'])).toMatch(/value_(smaller_than_min|bigger_than_max)/);
    },
  );

  test('large seeds keep their digits', async () => {
    await create();
    const text = JSON.stringify({ prompt: saves, prompt_id: 'p' }).replace('"seed":1', '"seed":18446744073709551615');
    expect((await ask('POST', '/prompt', text)).status).toBe(200);
    const { items } = await world.context.store.jobs({ limit: 1 });
    expect(items[0]!.graph[1]!.inputs['seed']).toBe('18446744073709551615');
  });

  test('deep and wide graphs are refused, whatever the stack says', async () => {
    await create();
    const chain = Object.fromEntries(
      Array.from({ length: 9_999 }, (_, n) => [`${n}`, { class_type: 'Save', inputs: { images: [`${n + 1}`, 0], filename_prefix: 'x' } }]),
    );
    const { status, json } = await ask('POST', '/prompt', { prompt: chain });
    expect([status, json]).toMatchObject([400, { error: { type: 'prompt_outputs_failed_validation' } }]);
    const wide = Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`${n}`, saves[1]]));
    expect((await ask('POST', '/prompt', { prompt: wide })).json).toMatchObject({ error: { type: 'invalid_prompt' } });
    const deep = `{"prompt": {"1": {"class_type": "Save", "inputs": {"images": ${'['.repeat(50_000)}${']'.repeat(50_000)}}}}}`;
    expect((await ask('POST', '/prompt', deep)).status).toBeGreaterThanOrEqual(400);
    const circle = { 1: { class_type: 'Save', inputs: { images: ['1', 0], filename_prefix: 'x' } } };
    expect((await ask('POST', '/prompt', { prompt: circle })).json).toMatchObject({ error: {}, node_errors: {} });
  });

  test('a file is the caller’s, or the container’s, or missing as in ComfyUI', async () => {
    await create();
    const loads = (image: string, path?: string) => ({
      1: { class_type: 'Load', inputs: { image, ...(path === undefined ? {} : { path }) } },
      2: saves[2],
    });
    const tries = async (image: string, path?: string) => (await ask('POST', '/prompt', { prompt: loads(image, path) })).json;
    expect(await tries('there.png')).toMatchObject({ node_errors: {} });
    expect(await tries('mine.png')).toMatchObject({
      node_errors: { 1: { errors: [{ type: 'custom_validation_failed', details: 'image - Invalid image file: mine.png' }] } },
    });
    const { store, assets, clock } = world.context;
    const { id, bytes } = await assets.put(Buffer.from('x'));
    const file = { type: 'input', subfolder: '', filename: 'mine.png', asset: id, bytes, mime: 'image/png' } as const;
    await store.nameUpload({ caller: { workspace: 'local', key: null }, file, overwrite: false, at: clock.now() });
    expect(await tries('mine.png')).toMatchObject({ node_errors: {} });
    const { items } = await store.jobs({ limit: 1 });
    expect(items[0]!.files).toEqual([{ name: 'mine.png', asset: id, fields: [['1', 'image']] }]);
    expect(await tries('there.png', '/etc/passwd')).toMatchObject({
      error: { type: 'invalid_graph', message: expect.stringContaining('absolute') as string },
    });
  });

  test('before any container told of its nodes, the structure alone is checked', async () => {
    await create({ change: () => ({}) });
    expect((await ask('POST', '/prompt', { prompt: saves })).status).toBe(200);
    expect((await ask('POST', '/prompt', { prompt: {} })).json).toMatchObject({ error: { type: 'prompt_no_outputs' } });
    expect((await ask('POST', '/prompt', { prompt: { 1: { class_type: 'A', inputs: { x: ['7', 0] } } } })).json).toMatchObject({
      error: { type: 'invalid_graph' },
    });
  });

  test('with open_graphs off only the deployment’s own workflow runs, with its inputs', async () => {
    await create({ change: () => ({}), config: { openGraphs: false } });
    const own = ownWorkflow.graph[1]!;
    const tries = async (inputs: object, more: object = {}) =>
      (await ask('POST', '/prompt', { prompt: { 1: { class_type: own.class_type, inputs: { ...own.inputs, ...inputs } }, ...more } }))
        .status;
    expect(await tries({ text: 'a phoenix', seed: 5 })).toBe(200);
    expect(await tries({ other: 1 })).toBe(403);
    expect(await tries({ text: { __value__: [] } })).toBe(403);
    expect(await tries({}, { 2: saves[1] })).toBe(403);
    expect((await ask('POST', '/prompt', { prompt: saves })).json).toMatchObject({ error: { type: 'open_graphs_off' } });
  });

  test('our own refusals have ComfyUI’s shape', async () => {
    await create();
    world.drain();
    expect(await ask('POST', '/prompt', { prompt: saves })).toMatchObject({
      status: 503,
      json: { error: { type: 'draining' }, node_errors: {} },
    });
    expect(await ask('POST', '/d/none/prompt', { prompt: saves })).toMatchObject({
      status: 404,
      json: { error: { type: 'unknown_deployment' } },
    });
    expect(await ask('GET', '/queue', undefined, { authorization: 'Bearer wrong' })).toMatchObject({
      status: 401,
      json: { error: { type: 'unauthorized' } },
    });
    expect(world.rejected).toEqual(['draining']);
  });
});

describe('queue, history and interrupts', () => {
  test('each caller has its own, an admin sees all, and other dialects are none of it', async () => {
    await create();
    const [ada, bob, root] = await Promise.all([
      world.context.keys.create('ada', 'invoke'),
      world.context.keys.create('bob', 'invoke'),
      world.context.keys.create('root', 'admin'),
    ]);
    const by = ({ secret }: { secret: string }) => ({ authorization: `Bearer ${secret}` });
    const hers = await submit('p', {}, by(ada));
    await submit('p', {}, by(bob));
    await submit('local');
    expect(await queue(by(ada))).toEqual({ running: [], pending: ['p'] });
    expect(await queue()).toEqual({ running: [], pending: ['local'] });
    expect((await queue(by(root))).pending).toEqual(['p', 'p', 'local']);
    await world.finish(hers, { history: historyOf('x.png') });
    expect(Object.keys((await ask('GET', '/history', undefined, by(ada))).json)).toEqual(['p']);
    for (const headers of [by(bob), {}]) {
      expect((await ask('GET', '/history/p', undefined, headers)).json).toEqual({});
      await ask('POST', '/history', { clear: true }, headers);
    }
    expect(Object.keys((await ask('GET', '/history/p', undefined, by(ada))).json)).toEqual(['p']);
    await ask('POST', '/queue', { clear: true }, by(root));
    expect((await queue(by(root))).pending).toEqual([]);
  });

  test('history is cut as in ComfyUI, keeps the order of ends, and ids that look like numbers', async () => {
    await create();
    for (const id of ['10', 'b', '9']) await world.finish(await submit(id), { history: historyOf(id) });
    const ids = async (query: string): Promise<string[]> =>
      [...(await ask('GET', `/history${query}`)).text.matchAll(/"([^"]+)":\{"prompt":/g)].map(([, id]) => id!);
    expect(await ids('')).toEqual(['10', 'b', '9']);
    expect(await ids('?max_items=2')).toEqual(['b', '9']);
    expect(await ids('?max_items=1&offset=1')).toEqual(['b']);
    expect(await ids('?offset=1')).toEqual(['b', '9']);
    expect(await ids('?max_items=0')).toEqual([]);
    expect((await ask('GET', '/history?max_items=x')).status).toBe(500);
    await ask('POST', '/history', { delete: ['b', 'nonsense'] });
    expect(await ids('')).toEqual(['10', '9']);
    expect((await ask('GET', '/api/jobs?status=completed')).json).toMatchObject({ jobs: [{}, {}], pagination: { total: 2 } });
    expect((await ask('GET', '/api/jobs/9')).json).toMatchObject({ id: '9', status: 'completed', outputs: { 9: {} } });
    expect(await ask('GET', '/api/jobs/none')).toMatchObject({ status: 404, json: { error: 'Job not found' } });
    expect(await ask('GET', '/api/jobs?limit=0')).toMatchObject({ status: 400 });
    expect((await ask('GET', '/jobs')).status).toBeGreaterThanOrEqual(400);
  });

  test('of an id that was used twice the newest prompt answers', async () => {
    await create();
    const [first, second] = [await submit('p'), await submit('p')];
    await world.finish(first, { history: historyOf('first.png') });
    expect((await ask('GET', '/history/p')).json).toEqual({});
    await world.finish(second, { history: historyOf('second.png') });
    expect(JSON.stringify((await ask('GET', '/history/p')).json)).toContain('second.png');
    expect(Object.keys((await ask('GET', '/history')).json)).toEqual(['p']);
  });

  test('whatever is asked in whatever order, exactly the prompts that were meant are stopped', async () => {
    await create();
    const keys = await Promise.all(['ada', 'bob'].map((name) => world.context.keys.create(name, 'invoke')));
    const step = fc.record({
      who: fc.constantFrom(0, 1),
      what: fc.constantFrom('submit', 'submit', 'start', 'finish', 'interrupt', 'interrupt one', 'delete', 'clear'),
      id: fc.constantFrom('a', 'b', 'c'),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const place = `/d/collage@run-${++run}`;
        world.deployments.items.push({ ...world.deployments.items[0]!, default: false, environment: `run-${run}` });
        /** What should be so: by job, in the order of acceptance. */
        const model: { job: string; who: number; id: string; state: 'queued' | 'running' | 'stopping' | 'ended'; started: number }[] = [];
        let clock = 0;
        const newest = (who: number, id: string, state: string) =>
          model.findLast((one) => one.who === who && one.id === id && one.state.startsWith(state));
        for (const { who, what, id } of steps) {
          const headers = { authorization: `Bearer ${keys[who]!.secret}` };
          const post = (path: string, body?: unknown) => ask('POST', place + path, body, headers);
          const mine = model.filter((one) => one.who === who);
          if (what === 'submit') {
            expect((await post('/prompt', { prompt: saves, prompt_id: id })).status).toBe(200);
            const { items } = await world.context.store.jobs({ limit: 1 });
            model.push({ job: items[0]!.id, who, id, state: 'queued', started: 0 });
          } else if (what === 'start') {
            const next = mine.find(({ state }) => state === 'queued');
            if (next) {
              await world.clock.runFor(1);
              await world.start(next.job);
              Object.assign(next, { state: 'running', started: ++clock });
            }
          } else if (what === 'finish') {
            const one = mine.find(({ state }) => state === 'running');
            if (one) await world.finish(one.job);
            if (one) one.state = 'ended';
          } else if (what === 'interrupt') {
            await post('/interrupt');
            const [first] = mine.filter(({ state }) => state === 'running' || state === 'stopping').sort((a, b) => a.started - b.started);
            if (first) first.state = 'stopping';
          } else if (what === 'interrupt one') {
            await post('/interrupt', { prompt_id: id });
            const meant = model.findLast(
              (one) => one.who === who && one.id === id && (one.state === 'running' || one.state === 'stopping'),
            );
            if (meant) meant.state = 'stopping';
          } else if (what === 'delete') {
            await post('/queue', { delete: [id] });
            const meant = newest(who, id, 'queued');
            if (meant) meant.state = 'ended';
          } else {
            await post('/queue', { clear: true });
            for (const one of mine) if (one.state === 'queued') one.state = 'ended';
          }
        }
        for (const { job, state } of model) {
          const real = await world.context.jobs.get(job);
          const shown =
            real.state === 'running' ? (real.cancelRequested ? 'stopping' : 'running') : real.state === 'queued' ? 'queued' : 'ended';
          expect([job, shown]).toEqual([job, state]);
        }
      }),
      { numRuns: 80 },
    );
  });
});
