import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeComfyUI } from '../../test/support/fake-comfyui.ts';
import { seededRandom } from '../../test/support/virtual-clock.ts';
import { createMemoryAssets } from '../assets/memory.ts';
import { createSystemClock } from '../fleet/system-clock.ts';
import { createPromptRunner } from './client.ts';
import type { Graph } from './protocol.ts';
import type { Prompt, PromptEvent, PromptResult } from './runner.ts';

/** Prompts of ComfyUI clients, who want every message. */

const graph: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 16 } },
  '3': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'mine' } },
};
const file = { filename: 'out_00001_.png', subfolder: 'job', type: 'output' as const };
const image = { images: [{ ...file }] };

let fake: FakeComfyUI;
let events: PromptEvent[];
let runner: ReturnType<typeof createPromptRunner>;
beforeEach(async () => {
  const clock = createSystemClock();
  fake = await FakeComfyUI.start();
  events = [];
  runner = createPromptRunner({ assets: createMemoryAssets(clock), clock, random: seededRandom(1, clock) });
});
afterEach(async () => {
  runner.close();
  await fake.close();
});

const run = (client: Prompt['client'], change: Partial<Prompt> = {}): Promise<PromptResult> => {
  const prompt = { id: 'job-1', graph, files: [], prefix: 'job/out', client, ...change };
  return runner.run({ url: fake.url }, prompt, { signal: new AbortController().signal, onEvent: (event) => void events.push(event) });
};

it('tells a ComfyUI client every word, and what history says', async () => {
  const extraData = { extra_pnginfo: { workflow: { id: 'w' } }, client_id: 'theirs' };
  const result = run({ extraData, outputs: ['3'] });
  const prompt = await fake.prompt();
  expect(prompt).toMatchObject({ extra_data: extraData, partial_execution_targets: ['3'] });
  expect(prompt.clientId).not.toBe('theirs');
  fake.send(prompt, 'progress_state', { nodes: { 1: { prompt_id: prompt.id } } });
  fake.send(prompt, 'node_pack_message', { anything: [1] });
  fake.send({ ...prompt, id: 'another' }, 'progress_state', { nodes: {} });
  fake.send(prompt, 'executing', { node: '1', display_node: '1' });
  fake.sendText(prompt, '1', 'width: 16');
  fake.succeed(prompt, '3', image);
  expect(await result).toMatchObject({ kind: 'succeeded', outputs: [{ file }], entry: { outputs: { 3: image } } });
  expect(fake.requests).toEqual(['POST /prompt', 'GET /history']);
  const said = events.flatMap((event) => (event.type === 'message' ? [[event.message.type, event.message.data['prompt_id']]] : []));
  const types = ['progress_state', 'node_pack_message', 'executing', 'execution_start', 'executing', 'executed', 'execution_success'];
  expect(said).toEqual([...types, 'executing'].map((type) => [type, prompt.id]));
  expect(events).toContainEqual({ type: 'text', node: '1', text: 'width: 16' });
  expect(events).toContainEqual({ type: 'executing', node: '1', classType: 'EmptyImage' });
});

it('shows pictures that are outputs to a ComfyUI client as they come', async () => {
  const sends = { ...graph, '9': { class_type: 'SaveImageWebsocket', inputs: { images: ['1', 0] } } };
  const result = run({ extraData: {}, outputs: [] }, { graph: sends });
  const prompt = await fake.prompt();
  expect(prompt).not.toHaveProperty('partial_execution_targets');
  fake.sendImage(prompt, '9', 'picture');
  fake.succeed(prompt, '3', image);
  expect(await result).toMatchObject({ kind: 'succeeded', outputs: [{ node: '3' }, { node: '9' }] });
  expect(events).toContainEqual(expect.objectContaining({ type: 'preview', node: '9', image: Buffer.from('picture') }));
});
