import { EventEmitter, once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeComfyUI } from '../../test/support/fake-comfyui.ts';
import { seededRandom, VirtualClock } from '../../test/support/virtual-clock.ts';
import { createMemoryAssets } from '../assets/memory.ts';
import { createPromptRunner } from './client.ts';
import type { Graph } from './protocol.ts';
import type { Prompt, PromptEvent } from './runner.ts';

const graph: Graph = {
  '1': { class_type: 'EmptyImage', inputs: { width: 8 } },
  '3': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'mine' } },
};
const image = { images: [{ filename: 'a_00001_.png', subfolder: 'job', type: 'output' }] };
const file = image.images[0];

describe('prompt runner', () => {
  let fake: FakeComfyUI;
  let clock: VirtualClock;
  let assets: ReturnType<typeof createMemoryAssets>;
  let runner: ReturnType<typeof createPromptRunner>;
  let abort: AbortController;
  let events: PromptEvent[];
  let number = 0;
  const told = new EventEmitter();

  beforeEach(async () => {
    fake = await FakeComfyUI.start();
    clock = new VirtualClock();
    assets = createMemoryAssets(clock);
    runner = createPromptRunner({ assets, clock, random: seededRandom(7, clock) });
    abort = new AbortController();
    events = [];
    told.removeAllListeners();
  });
  afterEach(async () => {
    runner.close();
    await fake.close();
  });

  const options = () => ({ signal: abort.signal, onEvent: (event: PromptEvent) => void (events.push(event), told.emit('event')) });
  const run = (change: Partial<Prompt> = {}) => {
    number += 1;
    const result = runner.run(
      { url: fake.url },
      { id: `job-${number}`, graph, files: [], prefix: 'job/out', client: null, ...change },
      options(),
    );
    result.catch(() => undefined);
    return result;
  };
  /** Settles when so many events were heard. */
  const heard = async (count: number): Promise<void> => {
    while (events.length < count) await once(told, 'event');
  };
  /** Lets so much time pass, in the steps of the watch, with room for the requests that it makes. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1000) {
      await clock.runFor(1000);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  };
  /** Lets time pass until it is settled. */
  const passUntil = async <T>(promise: Promise<T>): Promise<T> => {
    const state = { settled: false };
    const watched = promise.finally(() => (state.settled = true));
    watched.catch(() => undefined);
    while (!state.settled) await pass(1000);
    return promise;
  };

  it('submits under its own id and prefix, follows on the socket, and needs no history', async () => {
    const result = run();
    const prompt = await fake.prompt();
    expect(prompt).toMatchObject({ id: `job-${number}`, graph: { '3': { inputs: { filename_prefix: 'job/out' } } } });
    expect(prompt).not.toHaveProperty('number');
    expect(graph['3']?.inputs['filename_prefix']).toBe('mine');
    fake.send(prompt, 'progress_state', { nodes: {} });
    fake.send(prompt, 'executing', { node: '1', display_node: '1' });
    fake.send(prompt, 'progress', { node: '1', value: 1, max: 2 });
    fake.sendImage(prompt, '1', 'preview');
    fake.succeed(prompt, '3', { ...image, animated: [true] });
    expect(await result).toMatchObject({ kind: 'succeeded', outputs: [{ node: '3', key: 'images', file }] });
    expect(events).toEqual([
      { type: 'submitted' },
      { type: 'executing', node: '1', classType: 'EmptyImage' },
      { type: 'progress', node: '1', value: 1, max: 2 },
      {
        type: 'preview',
        mime: 'image/png',
        image: Buffer.from('preview'),
        node: '1',
        metadata: { node_id: '1', display_node_id: '1', prompt_id: prompt.id, image_type: 'image/png' },
      },
      { type: 'executing', node: '3', classType: 'SaveImage' },
    ]);
    expect(fake.requests).toEqual(['POST /prompt']);
    expect(fake.hellos).toEqual(['{"type": "feature_flags", "data": {"supports_preview_metadata": true}}']);
  });

  it('keeps the messages of prompts apart, over one socket', async () => {
    const results = [run(), run()];
    const prompts = [await fake.prompt(), await fake.prompt('pending')];
    fake.succeed(prompts[1]!, '3', { text: ['two'] });
    fake.succeed(prompts[0]!, '3', { text: ['one'] });
    const texts = (await Promise.all(results)).map((result) => result.kind === 'succeeded' && result.outputs[0]?.text);
    expect(texts).toEqual([prompts[0]!.id === `job-${number - 1}` ? 'one' : 'two', prompts[0]!.id === `job-${number - 1}` ? 'two' : 'one']);
    expect(fake.sockets.size).toBe(1);
  });

  it('measures how long models take to load', async () => {
    const loader = { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } };
    const from = clock.now();
    const result = run({ graph: { ...graph, '4': loader } });
    const prompt = await fake.prompt();
    fake.send(prompt, 'executing', { node: '4', display_node: '4' });
    await heard(2);
    await clock.runUntil(from + 1500);
    fake.succeed(prompt, '3', image);
    expect(await result).toMatchObject({ loading: { from, to: from + 1500, seconds: { CheckpointLoaderSimple: 1.5 } } });
  });

  it('reads history when a node was executed without output', async () => {
    const result = run();
    const prompt = await fake.prompt();
    fake.send(prompt, 'executed', { node: '5', display_node: '5', output: null });
    fake.succeed(prompt, '3', image);
    expect(await result).toMatchObject({ kind: 'succeeded', outputs: [{ node: '3', file }] });
    expect(fake.requests).toEqual(['POST /prompt', 'GET /history']);
  });

  it('finds the end in history when the socket is mute, and replaces it', async () => {
    const result = run();
    const prompt = await fake.prompt();
    fake.leave(prompt, { '3': image });
    await pass(4000);
    expect(fake.requests).toEqual(['POST /prompt']);
    expect(await passUntil(result)).toMatchObject({ kind: 'succeeded', outputs: [{ file }] });
    expect(fake.requests).toEqual(['POST /prompt', 'GET /queue', 'GET /history']);
    const again = run();
    fake.succeed(await fake.prompt(), '3', image);
    expect(await again).toMatchObject({ kind: 'succeeded' });
    expect(fake.sockets.size).toBe(2);
  });

  it('goes on after the socket dropped', async () => {
    const result = run();
    const prompt = await fake.prompt();
    const asked = fake.asked('GET /queue');
    fake.sockets.get(prompt.clientId)!.terminate();
    await asked;
    fake.succeed(prompt, '3', image);
    expect(await passUntil(result)).toMatchObject({ kind: 'succeeded', outputs: [{ file }] });
    // What was sent while it was down is unknown, so history has the word.
    expect(fake.requests).toContain('GET /history');
  });

  it('is lost when the container has forgotten the prompt', async () => {
    const result = run();
    fake.drop(await fake.prompt());
    await expect(passUntil(result)).rejects.toMatchObject({
      code: 'container_lost',
      message: expect.stringContaining('has forgotten') as string,
    });
  });

  it('is lost at once when the container dies', async () => {
    const result = run();
    await fake.prompt();
    await fake.close();
    await expect(result).rejects.toMatchObject({ code: 'container_lost' });
    await expect(run()).rejects.toMatchObject({ code: 'container_lost' });
  });

  it('is lost when prompts do not move, however healthy the port looks', async () => {
    const result = run();
    await fake.prompt('pending');
    await expect(passUntil(result)).rejects.toMatchObject({
      code: 'container_lost',
      message: expect.stringContaining('does not move them') as string,
    });
  });

  it('waits patiently behind another prompt', async () => {
    let settled = false;
    const result = run().finally(() => (settled = true));
    const prompt = await fake.prompt('pending');
    fake.running.push({ id: 'other', clientId: '', graph });
    await pass(45_000);
    expect(settled).toBe(false);
    fake.succeed(prompt, '3', image);
    expect(await result).toMatchObject({ kind: 'succeeded' });
  });

  it.each([
    ['torch.OutOfMemoryError', 'Allocation on device', 'out_of_memory'],
    ['OSError', '[Errno 28] No space left on device', 'disk_full'],
    ['OSError', "[Errno 122] Disk quota exceeded: '/x.png'", 'disk_full'],
    ['RuntimeError', 'ENOSPC: no space left on device, write', 'disk_full'],
    ['OSError', "[Errno 2] No such file or directory: '/28.png'", 'workflow_error'],
    ['builtins.ValueError', 'bad tensor', 'workflow_error'],
  ])('tells a %s as the workflow’s own failure', async (exception_type, exception_message, code) => {
    const result = run();
    const prompt = await fake.prompt();
    const data = {
      node_id: '3',
      node_type: 'SaveImage',
      exception_type,
      exception_message: `${exception_message}\n`,
      traceback: ['line 1'],
    };
    fake.send(prompt, 'execution_error', data);
    fake.send(prompt, 'executing', { node: null });
    const failure = { kind: 'failed', code, node: '3', classType: 'SaveImage', details: { traceback: ['line 1'], exception_type } };
    expect(await result).toMatchObject({ ...failure, message: `Node 3 (SaveImage) failed: ${exception_message}` });
    const unheard = run();
    fake.leave(await fake.prompt(), {}, ['execution_error', data as never]);
    expect(await passUntil(unheard)).toMatchObject(failure);
  });

  it('tells a refusal with the reasons of each node', async () => {
    const errors = [{ type: 'value_not_in_list', message: 'Value not in list', details: "ckpt_name: 'x' not in []" }];
    fake.refusals.push({
      error: { type: 'prompt_outputs_failed_validation', message: 'Prompt outputs failed validation', details: '' },
      node_errors: { '4': { errors, class_type: 'CheckpointLoaderSimple' } },
    });
    expect(await run()).toMatchObject({
      kind: 'failed',
      code: 'rejected_by_container',
      node: '4',
      message: "ComfyUI refused the graph: node 4 (CheckpointLoaderSimple): Value not in list: ckpt_name: 'x' not in [].",
      details: { node_errors: { '4': { errors } } },
    });
  });

  it('has no output when everything was cached and nothing is told', async () => {
    const result = run();
    fake.succeed(await fake.prompt(), '3', {});
    expect(await result).toMatchObject({ kind: 'failed', code: 'no_output' });
  });

  it('treats a server that breaks down as lost', async () => {
    fake.broken.set('/prompt', 500);
    await expect(run()).rejects.toMatchObject({ code: 'container_lost', message: expect.stringContaining('status 500') as string });
    fake.broken.set('/prompt', 0);
    await expect(run()).rejects.toMatchObject({ code: 'container_lost' });
  });

  it('reads again when a kept connection was cut off', async () => {
    const result = run();
    const prompt = await fake.prompt();
    fake.leave(prompt, { '3': image });
    fake.broken.set('/queue', 0);
    const asked = fake.asked('GET /queue').then(() => fake.broken.delete('/queue'));
    const passed = passUntil(result);
    await asked;
    expect(await passed).toMatchObject({ kind: 'succeeded' });
  });

  describe('stopping', () => {
    it('takes a waiting prompt out of the queue', async () => {
      const result = run();
      await fake.prompt('pending');
      await heard(1);
      abort.abort();
      expect(await result).toEqual({ kind: 'interrupted' });
      expect(fake.pending).toEqual([]);
      expect(fake.requests).not.toContain('POST /interrupt');
    });

    it('interrupts a running one, only this one, and waits for its end', async () => {
      const result = run();
      const prompt = await fake.prompt();
      await heard(1);
      const interrupted = once(fake.emitter, 'interrupt');
      abort.abort();
      expect(await interrupted).toEqual([prompt.id]);
      fake.leave(prompt, {}, ['execution_interrupted', {}]);
      fake.send(prompt, 'execution_interrupted', { node_id: '3' });
      fake.send(prompt, 'executing', { node: null });
      expect(await result).toEqual({ kind: 'interrupted' });
    });

    it('does not wait for ever', async () => {
      const result = run();
      await fake.prompt();
      await heard(1);
      const interrupted = once(fake.emitter, 'interrupt');
      abort.abort();
      await interrupted;
      expect(await passUntil(result)).toEqual({ kind: 'interrupted' });
    });

    it('submits nothing when stopped before', async () => {
      abort.abort();
      expect(await run()).toEqual({ kind: 'interrupted' });
      expect(fake.requests).toEqual([]);
    });
  });

  describe('files', () => {
    const loading: Graph = { ...graph, '2': { class_type: 'LoadImage', inputs: { image: 'cat.png' } } };

    it('uploads what is missing, once, and writes the container’s names into the graph', async () => {
      const { id: asset } = await assets.put(Buffer.from('bytes of a cat'));
      for (const _ of [1, 2]) {
        const result = run({ graph: loading, files: [{ name: 'cat.png', asset }] });
        const prompt = await fake.prompt();
        expect(prompt.graph['2']?.inputs['image']).toBe(`comfleet/${asset.slice(7, 39)}/cat.png`);
        fake.succeed(prompt, '3', image);
        expect(await result).toMatchObject({ kind: 'succeeded' });
      }
      expect(fake.uploads).toHaveLength(1);
      expect(fake.uploads[0]!.body).toContain('bytes of a cat');
      expect(loading['2']?.inputs['image']).toBe('cat.png');
    });

    it('uploads again when the container has lost its files', async () => {
      const { id: asset } = await assets.put(Buffer.from('x'));
      const first = run({ graph: loading, files: [{ name: 'cat.png', asset }] });
      fake.succeed(await fake.prompt(), '3', image);
      await first;
      fake.refusals.push({ error: { message: 'Invalid image file' }, node_errors: {} });
      const second = run({ graph: loading, files: [{ name: 'cat.png', asset }] });
      fake.succeed(await fake.prompt(), '3', image);
      expect(await second).toMatchObject({ kind: 'succeeded' });
      expect(fake.uploads).toHaveLength(2);
    });

    it('downloads outputs, and says when they are gone', async () => {
      fake.files.set('job/a.png', Buffer.from('pixels'));
      const { stream, mime } = await runner.download({ url: fake.url }, { filename: 'a.png', subfolder: 'job', type: 'output' });
      expect([await text(stream), mime]).toEqual(['pixels', 'image/png']);
      await expect(runner.download({ url: fake.url }, { filename: 'b.png', subfolder: '', type: 'output' })).rejects.toMatchObject({
        code: 'container_lost',
      });
    });

    it('gives pictures that came over the socket as outputs', async () => {
      const sending: Graph = { '1': graph['1']!, '9': { class_type: 'SaveImageWebsocket', inputs: { images: ['1', 0] } } };
      const result = run({ graph: sending });
      const prompt = await fake.prompt();
      fake.send(prompt, 'executing', { node: '9', display_node: '9' });
      fake.sendImage(prompt, '9', 'picture');
      fake.leave(prompt, {});
      fake.send(prompt, 'execution_success', {});
      fake.send(prompt, 'executing', { node: null });
      const ended = await result;
      const output = ended.kind === 'succeeded' ? ended.outputs[0] : undefined;
      expect(output).toMatchObject({ node: '9', key: 'images', file: { filename: 'socket_00001_.png' } });
      const { stream, mime } = await runner.download({ url: fake.url }, output!.file!);
      expect([(await buffer(stream)).toString(), mime]).toEqual(['picture', 'image/png']);
      const missed = run({ graph: sending });
      fake.leave(await fake.prompt(), {});
      await expect(passUntil(missed)).rejects.toMatchObject({
        code: 'container_lost',
        message: expect.stringContaining('over it') as string,
      });
    });
  });

  describe('resuming', () => {
    const prompt = { id: 'earlier', clientId: 'another gateway', graph };

    it('follows a prompt that still runs by asking', async () => {
      fake.running.push(prompt);
      const result = runner.resume({ url: fake.url }, 'earlier', options());
      await fake.asked('GET /queue');
      fake.leave(prompt, { '3': image });
      expect(await passUntil(result)).toMatchObject({ kind: 'succeeded', outputs: [{ file }] });
    });

    it('reads one that has ended from history, and does not know others', async () => {
      fake.leave(prompt, { '3': image });
      expect(await runner.resume({ url: fake.url }, 'earlier', options())).toMatchObject({ kind: 'succeeded' });
      expect(await runner.resume({ url: fake.url }, 'unknown', options())).toBeNull();
    });
  });

  it('ends what it follows when the container is forgotten', async () => {
    const result = run();
    await fake.prompt();
    runner.forget({ url: fake.url });
    await expect(result).rejects.toMatchObject({ code: 'container_lost' });
    expect(await runner.definitions({ url: fake.url })).toEqual({ SaveImage: { output_node: true } });
  });
});
