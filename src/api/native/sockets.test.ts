import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { historyOf, promptOf } from '../../../test/contract/store-samples.ts';
import { createApiWorld, listen, rawRequest, type ApiWorld } from '../../../test/support/api.ts';
import { ComfyClients, read, type ClientOptions, type ComfyClient } from '../../../test/support/comfy-client.ts';
import { promptsTopic, publishJob, type PromptBusEvent } from '../../bus/events.ts';
import type { Json } from '../../comfyui/protocol.ts';
import type { ClientPrompt, Job, JobRequest } from '../../jobs/job.ts';

let world: ApiWorld;
let port: number;
const clients = new ComfyClients();

beforeEach(async () => {
  world = await createApiWorld({ limits: { streamBacklogBytes: 400_000 } });
  port = await listen(world.app);
});
afterEach(async () => {
  clients.drop();
  await world.app.close();
});

const connect = (clientId: string, options?: ClientOptions): Promise<ComfyClient> => clients.connect(port, clientId, options);

async function submit(id: string, prompt: Partial<ClientPrompt> = {}, change: Partial<JobRequest> = {}): Promise<Job> {
  const { job } = await world.context.jobs.submit({
    workspace: 'local',
    environment: 'production',
    deployment: 'collage',
    revision: 'r',
    source: 'native',
    key: null,
    priority: 0,
    number: 0,
    prompt: promptOf(id, { clientId: 'me', ...prompt }),
    inputs: null,
    graph: {},
    files: [],
    outputNodes: [],
    modelKey: '',
    deadlineAt: null,
    executionTimeoutMs: 1_000,
    idempotency: null,
    webhook: null,
    ...change,
  });
  return job;
}

const publish = (event: PromptBusEvent): void => world.context.bus.publish(promptsTopic, event);
const say = (job: Job, type: string, data: Record<string, Json> = {}): void =>
  publish({ kind: 'message', job, message: { type, data: { ...data, prompt_id: job.prompt!.id } } });
const show = (job: Job, image = 'picture'): void => {
  const metadata = { node_id: '3', prompt_id: job.prompt!.id };
  publish({ kind: 'preview', job, mime: 'image/png', image: Buffer.from(image), metadata });
};
const executed = (job: Job, node = '9'): void => say(job, 'executed', { node, display_node: node, output: { images: [] } });
const finish = (job: Job, change: Parameters<ApiWorld['finish']>[1] = {}): Promise<void> => world.finish(job.id, change);

const remaining = (client: ComfyClient): number[] =>
  client.messages.filter(({ type }) => type === 'status').map(({ data }) => data.status.exec_info.queue_remaining as number);

describe('the greeting', () => {
  test('names the session, and a client without a name gets one that can be used', async () => {
    expect((await connect('me')).messages[0]).toEqual({
      type: 'status',
      data: { status: { exec_info: { queue_remaining: 0 } }, sid: 'me' },
    });
    const nameless = await connect('');
    const { sid } = nameless.messages[0]!.data as { sid: string };
    expect(sid).toMatch(/^[0-9a-f]{32}$/);
    const job = await submit('p', { clientId: sid });
    say(job, 'execution_start');
    await nameless.until(({ type }) => type === 'execution_start');
  });

  test('what a client can do is its first word; other words are passed over', async () => {
    const client = await connect('me', { features: { supports_preview_metadata: true } });
    expect((await client.until(({ type }) => type === 'feature_flags')).data).toMatchObject({ supports_preview_metadata: true });
    const late = await connect('late');
    for (const word of ['{', '[]', 'null', '{"type": 1}', '{"type": "feature_flags", "data": {}}']) late.socket.send(word);
    late.socket.send(Buffer.from([0, 0, 0, 1]));
    await read(late);
    expect(late.messages).toHaveLength(1);
  });

  test('at every place of the dialect, and nowhere else', async () => {
    for (const place of ['/api', '/d/collage', '/d/collage@staging', '/d/collage@staging/api']) await connect('me', { place });
    const upgrade = (path: string, headers = '') =>
      rawRequest(
        port,
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
      );
    expect(await upgrade('/other')).toMatch(/^HTTP\/1.1 404 /);
    expect(await upgrade('/d/none/ws')).toMatch(/^HTTP\/1.1 404 [^]*unknown_deployment/);
    expect(await upgrade('/d/%zz/ws')).toMatch(/^HTTP\/1.1 (404|500) /);
    expect(await upgrade('/ws', 'Origin: http://evil.example\r\n')).toMatch(/^HTTP\/1.1 403 [^]*bad_origin/);
    for (const handedOn of ['X-Forwarded-For', 'X-Real-IP', 'Via']) {
      expect(await upgrade('/ws', `${handedOn}: 203.0.113.1\r\n`)).toMatch(/^HTTP\/1.1 401 [^]*unauthorized/);
    }
    expect(await upgrade('/ws', 'Authorization: Bearer wrong\r\n')).toMatch(/^HTTP\/1.1 401 [^]*unauthorized/);
    expect((await world.app.inject('/ws')).statusCode).toBe(400);
  });
});

describe('who hears what', () => {
  test('a prompt is its client’s: every socket of it, and no one else', async () => {
    const [first, second, other, elsewhere] = await Promise.all([
      connect('me'),
      connect('me'),
      connect('you'),
      connect('me', { place: '/d/portrait' }),
    ]);
    const job = await submit('p');
    say(job, 'execution_start');
    say(job, 'executing', { node: '3', display_node: '3' });
    executed(job);
    await finish(job);
    for (const client of [first, second]) {
      await client.ended('p');
      expect(client.told('p')).toEqual(['execution_start', 'executing 3', 'executed', 'execution_success', 'executing null']);
    }
    for (const client of [other, elsewhere]) {
      await read(client);
      expect(client.told('p')).toEqual([]);
    }
    expect(remaining(elsewhere)).toEqual([0]);
  });

  test('another key’s client of the same name is another client', async () => {
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((name) => world.context.keys.create(name, 'invoke')));
    const [hers, his, local] = await Promise.all([connect('me', { key: ada!.secret }), connect('me', { key: bob!.secret }), connect('me')]);
    const job = await submit('p', {}, { key: ada!.key.id });
    await finish(job);
    await hers.ended('p');
    for (const client of [his, local]) {
      await read(client);
      expect(client.told('p')).toEqual([]);
      expect(remaining(client)).toEqual([0]);
    }
  });

  test('a key that is revoked hears nothing more: its sockets are closed, and say why', async () => {
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((name) => world.context.keys.create(name, 'invoke')));
    const [hers, again, his, local] = await Promise.all([
      connect('me', { key: ada!.secret }),
      connect('again', { key: ada!.secret, place: '/d/portrait' }),
      connect('me', { key: bob!.secret }),
      connect('me'),
    ]);
    const closed = Promise.all([hers, again].map(({ socket }) => once(socket, 'close')));
    await world.context.keys.revoke(ada!.key.id);
    say(await submit('p', {}, { key: ada!.key.id }), 'execution_start');
    for (const [code, reason] of await closed) expect([code, String(reason)]).toEqual([1008, 'the key was revoked']);
    expect(hers.told('p')).toEqual([]);
    for (const { socket } of [his, local]) expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  test('an admin’s status counts everybody', async () => {
    const admin = await world.context.keys.create('root', 'admin');
    const client = await connect('me', { key: admin.secret });
    await submit('p');
    await read(client);
    expect(remaining(client)).toEqual([0, 1]);
    expect(await client.get('/prompt')).toEqual({ exec_info: { queue_remaining: 1 } });
  });

  test('of a prompt without a client everybody of its caller hears the steps, and that it was interrupted', async () => {
    const client = await connect('any');
    const job = await submit('p', { clientId: null });
    say(job, 'execution_start');
    say(job, 'progress_state', { nodes: {} });
    say(job, 'executing', { node: '3', display_node: '3' });
    say(job, 'progress', { node: '3', value: 1, max: 2 });
    publish({ kind: 'text', job, node: '3', text: 'hello' });
    executed(job);
    await world.start(job.id);
    await world.context.jobs.cancel(job.id);
    await finish(job, { state: 'canceled' });
    await client.until(({ type }) => type === 'execution_interrupted');
    await read(client);
    const types = client.messages.map(({ type }) => type).filter((type) => type !== 'status');
    expect(types).toEqual(['progress_state', 'progress', 'execution_interrupted']);
    expect(client.frames).toEqual([Buffer.from('\0\0\0\x03\0\0\0\x013hello', 'latin1')]);
  });

  test('previews say where they belong to those who asked for it, before their step; to others they come behind it', async () => {
    const [knows, plain] = await Promise.all([connect('me', { features: { supports_preview_metadata: true } }), connect('me')]);
    await knows.until(({ type }) => type === 'feature_flags');
    const job = await submit('p');
    show(job, 'first');
    say(job, 'progress', { node: '3', value: 1, max: 2 });
    show(job, 'last');
    executed(job);
    for (const client of [knows, plain]) await client.until(({ type }) => type === 'executed');
    const kinds = ({ heard }: ComfyClient) => heard.map((one) => (Buffer.isBuffer(one) ? one.readUInt32BE(0) : one.type));
    expect(kinds(knows).slice(-4)).toEqual([4, 'progress', 4, 'executed']);
    expect(kinds(plain).slice(-4)).toEqual(['progress', 1, 1, 'executed']);
    expect(plain.frames[0]).toEqual(Buffer.from('\0\0\0\x01\0\0\0\x02first', 'latin1'));
    const length = knows.frames[0]!.readUInt32BE(4);
    expect(JSON.parse(knows.frames[0]!.toString('utf8', 8, 8 + length))).toEqual({ node_id: '3', prompt_id: 'p' });
  });

  test('status comes at once, then at most every 100 ms, and the latest one counts', async () => {
    const client = await connect('me');
    for (let n = 1; n <= 5; n++) await submit(`p${n}`);
    await read(client);
    expect(remaining(client)).toEqual([0, 1]);
    await world.clock.runFor(99);
    await read(client);
    expect(remaining(client)).toEqual([0, 1]);
    await world.clock.runFor(1);
    await read(client);
    expect(remaining(client)).toEqual([0, 1, 5]);
  });
});

describe('how a prompt ends', () => {
  test('in the container’s words, when they are stored', async () => {
    const client = await connect('me');
    const job = await submit('p');
    publish({ kind: 'history', job, history: historyOf('x.png') });
    await finish(job, { history: historyOf('x.png') });
    await client.ended('p');
    // An output that no message told of, as when the socket of the container was mute.
    expect(client.told('p')).toEqual(['executed', 'executing null']);
    expect(client.messages.at(-2)).toMatchObject({ type: 'execution_success', data: { timestamp: 1 } });
    expect(await client.history('p')).toMatchObject({ outputs: { 9: { images: [{ filename: 'x.png' }] } } });
  });

  test.each([
    ['failed', 'timeout', 'it ran too long'],
    ['failed', 'containers_lost', 'three were lost'],
    ['expired', 'expired', 'too late'],
  ] as const)('%s with %s: an error of comfleet’s own that says why', async (state, code, message) => {
    const client = await connect('me');
    const job = await submit('p');
    await finish(job, { state, error: { code, message } });
    const { data } = await client.until(({ type }) => type === 'execution_error');
    expect(data).toMatchObject({ prompt_id: 'p', exception_type: `comfleet.${code}`, exception_message: `${message}\n`, traceback: [] });
    await client.ended('p');
    expect(await client.history('p')).toMatchObject({
      status: { status_str: 'error', completed: false, messages: [['execution_error', data]] },
    });
  });

  test('cancelled in the queue: without a trace but the status', async () => {
    const client = await connect('me');
    await submit('p');
    await client.post('/queue', { delete: ['p'] });
    await world.clock.runFor(100);
    await read(client);
    expect(client.messages.map(({ type }) => type)).toEqual(['status', 'status', 'status']);
    expect(await client.get('/history/p')).toEqual({});
  });
});

describe('nothing durable is missed', () => {
  test('what ran while nobody listened is told in order when the client comes', async () => {
    const job = await submit('p');
    await world.start(job.id);
    say(job, 'execution_start');
    say(job, 'progress', { node: '3', value: 1, max: 2 });
    executed(job);
    say(job, 'executing', { node: '8', display_node: '8' });
    const client = await connect('me');
    await client.until(({ type, data }) => type === 'executing' && data.node === '8' && data.prompt_id === undefined);
    expect(client.told('p')).toEqual(['execution_start', 'executed']);
    await finish(job);
    await client.ended('p');
  });

  test('what was read is not told again', async () => {
    const client = await connect('me');
    const job = await submit('p');
    say(job, 'execution_start');
    await finish(job);
    await client.ended('p');
    await read(client);
    client.drop();
    const again = await connect('me');
    await read(again);
    expect(again.told('p')).toEqual([]);
  });

  test('a container that was lost begins anew', async () => {
    const job = await submit('p');
    await world.start(job.id);
    say(job, 'execution_start');
    executed(job);
    publishJob(world.context.bus, job, 'requeued');
    say(job, 'execution_start', { timestamp: 2 });
    const client = await connect('me');
    await read(client);
    expect(client.told('p')).toEqual(['execution_start']);
  });

  test('whenever sockets come, go, break and double: together they have heard every durable message, each socket in order', async () => {
    const steps = fc.array(fc.constantFrom('open', 'drop', 'close', 'say', 'say', 'say'), { minLength: 5, maxLength: 25 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const name = `client-${++run}`;
        const job = await submit(`p-${run}`, { clientId: name });
        const sockets: ComfyClient[] = [];
        const gone: ComfyClient[] = [];
        let said = 0;
        for (const step of list) {
          if (step === 'open') sockets.push(await connect(name));
          else if (step === 'say') executed(job, String(said++));
          else {
            const client = sockets.shift();
            if (client) gone.push(client);
            if (step === 'drop') client?.drop();
            else await client?.close();
          }
        }
        await finish(job);
        const last = await connect(name);
        for (const client of [...sockets, last]) await read(client);
        const nodes = (client: ComfyClient): number[] =>
          client.messages.filter(({ type }) => type === 'executed').map(({ data }) => Number(data.node));
        const all = [...gone, ...sockets, last];
        expect(new Set(all.flatMap(nodes))).toEqual(new Set(Array.from({ length: said }, (_, n) => n)));
        for (const client of all) expect(nodes(client)).toEqual(nodes(client).toSorted((a, b) => a - b));
        for (const client of [...sockets, last]) await client.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('slow and many readers', () => {
  test('a client that never reads loses steps, then its connection, and costs nobody else', async () => {
    const [stalled, other] = await Promise.all([connect('me'), connect('me')]);
    const job = await submit('p');
    const ended = once(stalled.socket, 'close');
    stalled.socket.pause();
    const filler = 'x'.repeat(50_000);
    const open = (): number => (stalled.socket.readyState === WebSocket.OPEN ? 1 : 0);
    for (let n = 0; n < 200; n++) {
      say(job, 'progress_state', { filler });
      say(job, 'executing', { node: `${n}`, display_node: `${n}` });
      await other.until(({ type, data }) => type === 'executing' && data.node === `${n}`);
    }
    expect(open()).toBe(1);
    for (let n = 0; n < 200; n++) {
      executed(job, `${n}`);
      say(job, 'anything', { filler });
      await other.until(({ type, data }) => type === 'executed' && data.node === `${n}`);
    }
    await world.clock.runFor(5_000);
    stalled.socket.resume();
    await ended;
    expect(other.messages.filter(({ type }) => type === 'executed')).toHaveLength(200);
  });

  test('1,000 sockets of one client id all hear, and all go when the gateway closes', async () => {
    const many = await Promise.all(Array.from({ length: 1_000 }, () => connect('me')));
    const job = await submit('p');
    await finish(job);
    await Promise.all(many.map((client) => client.ended('p')));
    const closed = Promise.all(many.map((client) => once(client.socket, 'close')));
    const closing = world.app.close();
    for (const [code, reason] of await closed) expect([code, String(reason)]).toEqual([1001, 'the gateway is shutting down']);
    await closing;
  });
});
