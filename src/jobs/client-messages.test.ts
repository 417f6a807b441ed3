import { Readable } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { promptOf, requestOf, t0 } from '../../test/contract/store-samples.ts';
import { createMemoryAssets } from '../assets/memory.ts';
import { promptsTopic, type PromptBusEvent } from '../bus/events.ts';
import { createBus } from '../bus/memory.ts';
import type { FileReference, HistoryEntry, Json } from '../comfyui/protocol.ts';
import { ComfleetError } from '../errors.ts';
import { acceptedJob } from '../store/rows.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { ClientMessages } from './client-messages.ts';
import { Fetcher } from './fetcher.ts';
import type { Job } from './job.ts';

const clock = { now: () => t0, at: () => ({ cancel: () => undefined }) };
const save = { class_type: 'SaveImage', inputs: { filename_prefix: 'mine/x' } };
const graph = { 3: { class_type: 'PreviewImage', inputs: {} }, 8: save, 9: save };
const caller = { workspace: 'default', key: 'ada' };

const file = (name: string, type: FileReference['type'] = 'output') => ({ filename: name, subfolder: 'job', type });
const executed = (node: string, output: Record<string, Json> | null) => ({
  type: 'message' as const,
  message: { type: 'executed', data: { node, display_node: node, output, prompt_id: 'attempt-1' } },
});
const said = (type: string, data: Record<string, Json> = {}) => ({
  type: 'message' as const,
  message: { type, data: { ...data, prompt_id: 'attempt-1' } },
});
const entryOf = (outputs: HistoryEntry['outputs'], messages: HistoryEntry['status']['messages'] = []): HistoryEntry => ({
  prompt: [0, 'attempt-1', {}, {}, []],
  outputs,
  status: { status_str: 'success', completed: true, messages },
});

describe('what a ComfyUI client hears of an attempt', () => {
  let store: Store;
  let heard: PromptBusEvent[];
  let messages: ClientMessages;
  let fetched: string[];
  let lost: Set<string>;
  /** Downloads wait until it settles. */
  let gate: Promise<void>;

  beforeEach(() => {
    store = createMemoryStore();
    const bus = createBus(clock, { kept: [], ring: 10 });
    const assets = createMemoryAssets(clock);
    heard = [];
    fetched = [];
    lost = new Set();
    gate = Promise.resolve();
    bus.subscribe(promptsTopic, ({ data }) => heard.push(data as PromptBusEvent));
    const runner = {
      async download(_endpoint: unknown, { filename }: FileReference) {
        fetched.push(filename);
        await gate;
        if (lost.has(filename)) throw new ComfleetError('container_lost', 'gone');
        return { stream: Readable.from([Buffer.from(filename)]), mime: 'text/plain' };
      },
    };
    const request = requestOf({ source: 'native', key: 'ada', graph, prompt: promptOf('mine') });
    const job = acceptedJob({ id: 'job', at: t0, request }) as Job & { prompt: NonNullable<Job['prompt']> };
    const fetcher = new Fetcher({ assets, runner }, { url: 'http://x' });
    messages = new ClientMessages({ store, assets, bus, clock, fetcher, log: { warn: () => undefined } }, job, 'attempt-1');
  });

  const types = (): string[] => heard.map((event) => (event.kind === 'message' ? event.message.type : event.kind));

  test('messages go out at once, with the client’s prompt id wherever it stands, but for the end', () => {
    messages.hear(said('execution_start', { timestamp: 1 }));
    messages.hear(said('progress_state', { nodes: { 3: { prompt_id: 'attempt-1', value: 1 } } }));
    for (const type of ['execution_success', 'execution_error', 'execution_interrupted']) messages.hear(said(type));
    messages.hear(said('executing', { node: null }));
    messages.hear({ type: 'text', node: '3', text: 'hello' });
    messages.hear({ type: 'executing', node: '3', classType: 'PreviewImage' });
    expect(heard).toMatchObject([
      { kind: 'message', job: { id: 'job' }, message: { type: 'execution_start', data: { timestamp: 1, prompt_id: 'mine' } } },
      { message: { type: 'progress_state', data: { prompt_id: 'mine', nodes: { 3: { prompt_id: 'mine', value: 1 } } } } },
      { kind: 'text', node: '3', text: 'hello' },
    ]);
    expect(heard).toHaveLength(3);
  });

  test('previews carry the client’s prompt id', () => {
    const metadata = { node_id: '3.0', display_node_id: '3', prompt_id: 'attempt-1', parent_node_id: null };
    messages.hear({ type: 'preview', mime: 'image/jpeg', image: Buffer.from('x'), node: '3', metadata });
    messages.hear({ type: 'preview', mime: 'image/png', image: Buffer.from('y'), node: '3', metadata: null });
    expect(heard).toMatchObject([
      { kind: 'preview', metadata: { node_id: '3.0', display_node_id: '3', prompt_id: 'mine', image_type: 'image/jpeg' } },
      { kind: 'preview', metadata: { node_id: '3', display_node_id: '3', prompt_id: 'mine', image_type: 'image/png' } },
    ]);
  });

  test('files are fetched and named before they are told of, and nothing overtakes', async () => {
    const open = Promise.withResolvers<void>();
    gate = open.promise;
    messages.hear(executed('8', { images: [file('a.png'), file('b.png')], animated: [true] }));
    messages.hear(executed('9', { images: [file('c.png')] }));
    messages.hear(said('progress_state'));
    messages.hear(executed('3', { text: ['none'] }));
    expect(types()).toEqual([]);
    expect(fetched).toEqual(['a.png', 'b.png', 'c.png']);
    open.resolve();
    await messages.settled();
    expect(types()).toEqual(['executed', 'executed', 'progress_state', 'executed']);
    const named = (number: number) => ({ filename: `x_0000${number}_.png`, subfolder: 'mine', type: 'output' });
    const data = heard.map((event) => event.kind === 'message' && event.message.data);
    expect(data[0]).toEqual({
      node: '8',
      display_node: '8',
      prompt_id: 'mine',
      output: { images: [named(1), named(2)], animated: [true] },
    });
    expect(data[1]).toMatchObject({ output: { images: [named(3)] } });
    expect(data[3]).toMatchObject({ output: { text: ['none'] } });
    expect(await store.namedFile({ caller, ...named(3), type: 'output' })).toMatchObject({ bytes: 5, mime: 'text/plain' });
    messages.hear(said('executing', { node: '3' }));
    expect(types().at(-1)).toBe('executing');
  });

  test('history has the same names, fetches nothing twice, and what no message told of', async () => {
    const outputs = { 8: { images: [file('a.png')] }, 9: { images: [file('a.png')] }, 3: null };
    messages.hear(executed('8', outputs[8]));
    await messages.settled();
    const history = await messages.history(entryOf(outputs, [['execution_success', { prompt_id: 'attempt-1', timestamp: 5 }]]), {
      whole: true,
    });
    expect(fetched).toEqual(['a.png']);
    expect(history).toMatchObject({
      outputs: { 8: { images: [{ filename: 'x_00001_.png' }] }, 9: { images: [{ filename: 'x_00002_.png' }] }, 3: null },
      status: { status_str: 'success', messages: [['execution_success', { prompt_id: 'mine', timestamp: 5 }]] },
    });
    expect(heard).toHaveLength(1);
  });

  test('a file that cannot be had is asked for again at the end', async () => {
    lost.add('a.png');
    messages.hear(executed('8', { images: [file('a.png')] }));
    messages.hear(said('progress_state'));
    await messages.settled();
    expect(types()).toEqual(['progress_state']);
    const entry = entryOf({ 8: { images: [file('a.png')] }, 9: { images: [file('b.png')] } });
    await expect(messages.history(entry, { whole: true })).rejects.toMatchObject({ code: 'container_lost' });
    expect((await messages.history(entry, { whole: false })).outputs).toMatchObject({ 9: {} });
    lost.clear();
    expect(Object.keys((await messages.history(entry, { whole: true })).outputs)).toEqual(['8', '9']);
  });

  test('of an attempt that was lost nothing more goes out', async () => {
    const open = Promise.withResolvers<void>();
    gate = open.promise;
    messages.hear(executed('8', { images: [file('a.png')] }));
    messages.fallSilent();
    open.resolve();
    await messages.settled();
    messages.hear(said('progress_state'));
    expect(types()).toEqual([]);
  });

  test('what shows a container’s own input is no input of the client', async () => {
    messages.hear(executed('3', { images: [file('secret_00001_.png', 'input')] }));
    await messages.settled();
    expect(heard[0]).toMatchObject({
      message: { data: { output: { images: [{ filename: 'secret_00001_.png', subfolder: 'job', type: 'temp' }] } } },
    });
  });
});
