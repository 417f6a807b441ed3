import { describe, expect, it } from 'vitest';
import { definitionsFor, usualModels } from '../emulator/definitions.ts';
import { assertRunnable, checkGraph, modelKey, outputNodes } from './check-graph.ts';
import type { Graph, NodeDefinitions } from './protocol.ts';
import { unsafeFileStrings } from './unsafe-strings.ts';

const definitions = definitionsFor(usualModels);
const n = (class_type: string, inputs: Graph[string]['inputs']): Graph[string] => ({ class_type, inputs });
const save = (id: string): Graph[string] => n('SaveImage', { images: [id, 0], filename_prefix: 'x' });
const checkpoint = (name: string): Graph => ({
  '4': n('CheckpointLoaderSimple', { ckpt_name: name }),
  '5': n('EmptyLatentImage', { width: 64, height: 64, batch_size: 1 }),
  '8': n('VAEDecode', { samples: ['5', 0], vae: ['4', 2] }),
  '9': save('8'),
});
const loading = (image: string): Graph => ({ '1': n('LoadImage', { image }), '2': save('1') });
const messages = (graph: Graph, supplied?: Set<string>): string[] =>
  checkGraph(graph, definitions, supplied).map(({ code, message }) => `${code}: ${message}`);

describe('checkGraph', () => {
  it('finds nothing wrong with a good graph', () => {
    expect(checkGraph(checkpoint('v1-5-pruned-emaonly.safetensors'), definitions)).toEqual([]);
  });

  it('lists every unknown node, also those that no output needs', () => {
    const graph = { ...checkpoint('x'), '11': n('constructor', {}), '12': n('MyPack', {}) };
    expect(checkGraph(graph, definitions)).toMatchObject([
      { code: 'unknown_node', node: '11' },
      { code: 'unknown_node', node: '12', message: expect.stringContaining('Node 12 (MyPack)') as string },
    ]);
  });

  it('says which model is missing and where it belongs', () => {
    expect(messages(checkpoint('mine.safetensors'))).toEqual([
      expect.stringMatching(
        /^missing_file: Node 4 \(CheckpointLoaderSimple\): ckpt_name names mine\.safetensors.*models\/checkpoints \(no restart is needed\).*dreamshaper_8/,
      ) as string,
    ]);
    const clip: NodeDefinitions = {
      CLIPVisionLoader: { ...definitions['VAELoader']!, output_node: true, input: { required: { clip_name: [['a.safetensors']] } } },
    };
    expect(checkGraph({ '1': n('CLIPVisionLoader', { clip_name: 'b.safetensors' }) }, clip)[0]?.message).toContain('models/clip_vision');
  });

  it('says which picture is missing, unless it comes with the job or may lie in a subfolder', () => {
    expect(messages(loading('cat.png'))).toEqual([
      expect.stringMatching(/^missing_file: Node 1 \(LoadImage\): image names cat\.png.*folder input/) as string,
    ]);
    expect(messages(loading('cat.png'), new Set(['cat.png']))).toEqual([]);
    expect(messages(loading('pets/cat.png'))).toEqual([]);
  });

  it('finds whole numbers beyond 2^53 out of range, which come as their digits', () => {
    const empty = (color: string): Graph => ({
      '1': n('EmptyImage', { width: 8, height: 8, batch_size: 1, color }),
      '2': save('1'),
    });
    expect(messages(empty('99999999999999999999'))).toEqual([
      'invalid_graph: Node 1 (EmptyImage): color is 99999999999999999999, above the most of 16777215.',
    ]);
    expect(messages(empty('-99999999999999999999'))).toEqual([
      'invalid_graph: Node 1 (EmptyImage): color is -99999999999999999999, below the least of 0.',
    ]);
  });

  it('understands choice lists of new-style nodes', () => {
    const blend = (mode: string): Graph => ({
      '1': n('EmptyImage', { width: 8, height: 8, batch_size: 1, color: 0 }),
      '2': n('ImageBlend', { image1: ['1', 0], image2: ['1', 0], blend_factor: 0.5, blend_mode: mode }),
      '3': save('2'),
    });
    expect(messages(blend('multiply'))).toEqual([]);
    expect(messages(blend('times'))).toEqual([
      expect.stringMatching(/^invalid_graph: Node 2 \(ImageBlend\): blend_mode is "times".*normal, multiply/) as string,
    ]);
  });

  it.each<[Graph, RegExp]>([
    [{ '1': n('EmptyImage', { width: 0, height: 8, batch_size: 1, color: 0 }), '2': save('1') }, /width is 0, below the least of 1/],
    [
      { '1': n('EmptyImage', { width: 8, height: 8, batch_size: 1, color: 2e7 }), '2': save('1') },
      /color is 20000000, above the most of 16777215/,
    ],
    [{ '1': n('EmptyImage', { width: 8, batch_size: 1, color: 0 }), '2': save('1') }, /Node 1 \(EmptyImage\): input height is missing/],
    [
      {
        '1': n('EmptyImage', { width: 8, height: 8, batch_size: 1, color: 0 }),
        '2': n('SaveImage', { images: ['1', 1], filename_prefix: 'x' }),
      },
      /output 1 of node 1, which has 1/,
    ],
    [{ '1': n('EmptyImage', { width: 8, height: 8, batch_size: 1, color: 0 }) }, /No node of the graph gives a result/],
  ])('names what is wrong (%#)', (graph, message) => {
    expect(messages(graph)).toEqual([expect.stringMatching(message) as string]);
  });

  it('leaves alone the inputs of nodes that no output needs', () => {
    expect(messages({ ...loading('a/b.png'), '7': n('EmptyImage', { width: 0 }) })).toEqual([]);
  });

  it('throws one error with everything of the first kind', () => {
    const graph = {
      ...checkpoint('a.ckpt'),
      '14': n('LoraLoader', { model: ['4', 0], clip: ['4', 1], lora_name: 'b.pt', strength_model: 1, strength_clip: 1 }),
      '15': n('PreviewAny', { source: ['14', 0] }),
    };
    expect(() => assertRunnable(graph, definitions)).toThrow(/a\.ckpt.*b\.pt/);
    expect(() => assertRunnable(graph, definitions)).toThrow(expect.objectContaining({ code: 'missing_file' }));
    expect(() => assertRunnable(checkpoint('v1-5-pruned-emaonly.safetensors'), definitions)).not.toThrow();
  });
});

describe('facts of a graph', () => {
  it('knows output nodes in the order of ids', () => {
    const graph = { '10': save('1'), '9': save('1'), '1': n('EmptyImage', {}), '3': n('ImageInvert', { image: ['1', 0] }) };
    expect(outputNodes(graph, definitions)).toEqual(['9', '10']);
    expect(outputNodes(graph, null)).toEqual(['3', '9', '10']);
  });

  it('knows the models, whatever else differs', () => {
    const graph = {
      ...checkpoint('b.safetensors'),
      '1': n('LoraLoader', { lora_name: 'a.safetensors' }),
      '2': n('CLIPTextEncode', { text: 'x.safetensors' }),
      '3': n('LoadImage', { image: 'cat.png' }),
    };
    expect(modelKey(graph, definitions)).toBe('a.safetensors|b.safetensors');
    expect(modelKey({}, definitions)).toBe('');
  });
});

describe('unsafeFileStrings', () => {
  const refused = (graph: Graph, known: NodeDefinitions | null = definitions): string[] =>
    unsafeFileStrings(graph, known).map(({ node, field }) => `${node}.${field}`);

  it.each([
    '/etc/passwd',
    '../cat.png',
    'a/../../b.png',
    'C:\\x.png',
    'c:/x.png',
    'a\\b.png',
    'cat.png [output]',
    'cat.png\0',
    '~/x',
    'file:///etc/passwd',
  ])('refuses %j as the file of a loader', (value) => {
    expect(refused(loading(value))).toEqual(['1.image']);
    expect(refused(loading(value), null)).toEqual(['1.image']);
    expect(refused({ '1': n('Some', { folder_name: value }) }, null)).toEqual(['1.folder_name']);
  });

  it.each(['cat.png', 'pets/cat.png', 'a..b.png', 'x-axis: vertically'])('lets %j through', (value) => {
    expect(refused(loading(value))).toEqual([]);
  });

  it('lets texts say what they like', () => {
    expect(
      refused({ '1': n('CLIPTextEncode', { text: '/imagine ../a\\b [output]' }), '2': n('PrimitiveString', { value: '/x' }) }),
    ).toEqual([]);
  });

  it('trusts what the container offers, and replaces prefixes anyway', () => {
    const offered = definitionsFor({ ...usualModels, checkpoints: ['sub\\m.safetensors'] });
    expect(refused({ '1': n('CheckpointLoaderSimple', { ckpt_name: 'sub\\m.safetensors' }) }, offered)).toEqual([]);
    expect(refused({ '1': n('SaveImage', { filename_prefix: '../x' }) })).toEqual([]);
  });

  it('lets another node choose among words, and not among files', () => {
    const chooser = { '1': n('Chooser', {}), '2': n('KSampler', { sampler_name: ['1', 0] }) };
    expect(refused(chooser)).toEqual([]);
    expect(refused({ '1': n('Chooser', {}), '2': n('CheckpointLoaderSimple', { ckpt_name: ['1', 0] }) })).toEqual(['2.ckpt_name']);
    expect(refused({ '1': n('Chooser', {}), '2': n('LoadImage', { image: ['1', 0] }) })).toEqual(['2.image']);
  });

  it('looks into lists, and refuses file names that other nodes make up', () => {
    expect(refused({ '1': n('Some', { files: { __value__: ['a.png', '/etc/passwd'] } }) }, null)).toEqual(['1.files']);
    const video: NodeDefinitions = {
      ...definitions,
      LoadPath: { ...definitions['LoadImage']!, input: { required: { video_path: ['STRING', {}] } } },
    };
    expect(refused({ '1': n('PrimitiveString', { value: 'x' }), '2': n('LoadPath', { video_path: ['1', 0] }) }, video)).toEqual([
      '2.video_path',
    ]);
  });
});
