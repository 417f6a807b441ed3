import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EmulatedWorld, textToImage } from '../../test/protocol/emulated-world.ts';
import { createMemoryAssets } from '../assets/memory.ts';
import { createSystemClock, createSystemRandom } from '../fleet/system-clock.ts';
import { createPromptRunner } from './client.ts';
import type { Graph } from './protocol.ts';
import type { PromptEvent } from './runner.ts';

const clock = createSystemClock();
const graph = textToImage() as Graph;
const png = '89504e47';

let world: EmulatedWorld;
let runner: ReturnType<typeof createPromptRunner>;
let events: PromptEvent[];

beforeEach(() => {
  world = new EmulatedWorld();
  events = [];
  const times = { greeting: 200, silence: 40, poll: 20, stuck: 200, interrupt: 5_000 };
  runner = createPromptRunner({ assets: createMemoryAssets(clock), clock, random: createSystemRandom(clock), times });
});
afterEach(async () => {
  runner.close();
  await world.close();
});

const run = (id: string, signal = new AbortController().signal) =>
  runner.run(
    { url: world.url },
    { id, graph, files: [], prefix: `${id}/out`, client: null },
    { signal, onEvent: (event) => void events.push(event) },
  );

it.each([
  ['with its socket', {}],
  ['with a silent socket', { silentSocket: true }],
])('runs prompts on an emulated container %s', async (_what, faults) => {
  await world.start({ faults });
  for (const id of ['first', 'second']) {
    const result = await run(id);
    const file = { filename: 'out_00001_.png', subfolder: id, type: 'output' as const };
    expect(result).toMatchObject({ kind: 'succeeded', outputs: [{ node: '9', key: 'images', file }] });
    const { stream, mime } = await runner.download({ url: world.url }, file);
    expect([(await buffer(stream)).toString('hex').slice(0, 8), mime]).toEqual([png, 'image/png']);
  }
});

it('tells the events of a run', async () => {
  await world.start();
  await run('one');
  const nodes = events.filter((event) => event.type === 'executing').map(({ node }) => node);
  expect(nodes).toEqual(['4', '5', '7', '6', '3', '8', '9']);
  expect(events.filter((event) => event.type === 'progress')).toHaveLength(25);
});

it('tells of running out of memory', async () => {
  await world.start({ faults: { outOfMemory: true } });
  expect(await run('one')).toMatchObject({ kind: 'failed', code: 'out_of_memory', classType: 'KSampler' });
});

it('is lost to a crash and to a container that takes prompts and does not move them', async () => {
  await world.start({ faults: { crash: true } });
  await expect(run('one')).rejects.toMatchObject({ code: 'container_lost' });
  await world.start({ faults: { hang: true }, name: 'hangs' });
  await expect(run('two')).rejects.toMatchObject({ code: 'container_lost', message: expect.stringContaining('does not move') as string });
});

it('stops a prompt that waits', async () => {
  await world.start({ faults: { hang: true } });
  const abort = new AbortController();
  const result = runner.run(
    { url: world.url },
    { id: 'one', graph, files: [], prefix: 'one', client: null },
    { signal: abort.signal, onEvent: () => abort.abort() },
  );
  expect(await result).toEqual({ kind: 'interrupted' });
});
