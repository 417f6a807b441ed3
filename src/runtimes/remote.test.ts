import { afterEach, beforeEach, expect, test } from 'vitest';
import { startForeignServer, type ForeignServer } from '../../test/support/foreign-server.ts';
import { Events, hurriedClock } from '../../test/support/supervised.ts';
import type { ContainerRecord } from '../fleet/container.ts';
import { createRemoteRuntime } from './remote.ts';
import type { Runtime, RuntimeEvent } from './runtime.ts';

let server: ForeignServer;
let runtime: Runtime;

beforeEach(async () => {
  server = await startForeignServer();
});
afterEach(async () => {
  await runtime.close({ stopAll: true, graceMs: 0 });
  await server.close();
});

const open = (left: readonly ContainerRecord[] = [], urls = [server.url]): Runtime =>
  (runtime = createRemoteRuntime({ urls, clock: hurriedClock(100), left }));
const specOf = async (id: string) => ({ id, epoch: 1, slot: (await runtime.slots())[0]!, deployment: 'phoenix', revision: 'r1' });
const recordOf = (id: string, change: Partial<ContainerRecord> = {}): ContainerRecord =>
  ({ id, epoch: 1, host: 'box', device: server.url, gpu: 'A10G', share: 1, startedAt: 5, readyAt: 6, ...change }) as ContainerRecord;

const logOf = async (id: string): Promise<string[]> => {
  const lines: string[] = [];
  for await (const { text } of runtime.logs(id, { follow: false, signal: new AbortController().signal })) lines.push(text);
  return lines;
};

test('a server that runs prompts of others is waited for, and its log says so; a stop takes the probe prompt out of its queue', async () => {
  const other = await server.occupy();
  open();
  await runtime.start(await specOf('a'));
  await expect.poll(() => logOf('a')).toContain('the probe prompt waits: another one runs there');
  expect(await server.queue()).toMatchObject({ running: [other], pending: [expect.any(String)] });
  expect(await runtime.list()).toMatchObject([{ id: 'a', state: 'starting' }]);
  await runtime.stop({ id: 'a', epoch: 1, graceMs: 0 });
  expect(await server.queue()).toEqual({ running: [other], pending: [] });
});

test('it is ready once the others have ended', async () => {
  await server.occupy();
  open();
  const events = new Events(runtime);
  await runtime.start(await specOf('a'));
  await expect.poll(() => logOf('a')).toContain('the probe prompt waits: another one runs there');
  await server.interrupt();
  await events.ready('a');
});

test('the GPU of a server that was down when the slots were listed is known once a container is ready there', async () => {
  open();
  const events = new Events(runtime);
  const spec = await specOf('a');
  expect(spec.slot).toMatchObject({ gpu: expect.stringContaining('A10G'), share: 1 });
  await runtime.start({ ...spec, slot: { ...spec.slot, gpu: null, share: 0 } });
  expect(await events.ready('a')).toMatchObject({ slot: spec.slot });
  expect(await runtime.list()).toMatchObject([{ slot: spec.slot }]);
});

test('a container that was left is there at once, whatever runs on its server, and no prompt is sent for it', async () => {
  const other = await server.occupy();
  open([recordOf('a', { readyAt: 6 })]);
  const slot = { host: 'box', device: server.url, gpu: 'A10G', share: 1 };
  const left = { id: 'a', slot, state: 'ready', endpoint: { url: server.url }, startedAt: 5, readyAt: 6 };
  expect(await runtime.list()).toMatchObject([left]);
  expect(await server.queue()).toEqual({ running: [other], pending: [] });
  expect(await logOf('a')).toEqual([`claimed ${server.url} again for a gateway that came back`]);
});

test('one that was starting starts anew under its id', async () => {
  open([recordOf('a', { state: 'starting', readyAt: null })]);
  const events = new Events(runtime);
  expect(await runtime.list()).toMatchObject([{ id: 'a', readyAt: null, endpoint: null }]);
  await events.ready('a');
});

test('one whose server is not configured any more, or does not answer, is not there', async () => {
  const gone = 'http://127.0.0.1:9';
  open([recordOf('a', { device: gone }), recordOf('b', { device: 'http://box:8188' })], [server.url, gone]);
  expect(await runtime.list()).toEqual([]);
});

test('a server that did not answer is looked for, and told of once it is there', async () => {
  const port = Number(new URL(server.url).port);
  open([], [server.url]);
  const events: RuntimeEvent[] = [];
  const back = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<void>();
  runtime.subscribe((event) => {
    events.push(event);
    if (event.type === 'exited') failed.resolve();
    if (event.type === 'reachable') back.resolve();
  });
  const spec = await specOf('a');
  await server.close();
  await runtime.start(spec);
  await failed.promise;
  expect(events.map(({ type }) => type)).toEqual(['phase', 'exited']);
  server = await startForeignServer(port);
  await back.promise;
});
