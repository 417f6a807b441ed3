import { describe, expect, it } from 'vitest';
import { textToImage } from '../../test/protocol/emulated-world.ts';
import type { Graph } from '../comfyui/protocol.ts';
import type { InputConfig } from '../config/schema.ts';
import { definitionsFor, usualModels } from '../emulator/definitions.ts';
import { refineWorkflow } from './describe-input.ts';
import { readWorkflow, type WorkflowDeclaration } from './read-workflow.ts';

const definitions = definitionsFor(usualModels);
const graph = textToImage({ seed: 7 }) as Graph;
const n = (class_type: string, inputs: Graph[string]['inputs']): Graph[string] => ({ class_type, inputs });

const read = (change: Partial<WorkflowDeclaration> = {}, known: typeof definitions | null = definitions) =>
  readWorkflow({ graph, inputs: null, outputs: null, files: [], ...change }, known);
const declared = (inputs: Record<string, Partial<InputConfig> & { target: string[] }>, known: typeof definitions | null = definitions) =>
  read({ inputs }, known).inputs;
const offered = (change: Partial<WorkflowDeclaration>, known: typeof definitions | null = definitions) =>
  Object.fromEntries(
    read(change, known).inputs.map(({ name, targets }) => [name, targets.map(({ node, field }) => `${node}.${field}`).join(' ')]),
  );

describe('inferred inputs', () => {
  const usual = {
    prompt: '6.text',
    negative_prompt: '7.text',
    seed: '3.seed',
    steps: '3.steps',
    cfg: '3.cfg',
    denoise: '3.denoise',
    width: '5.width',
    height: '5.height',
    batch_size: '5.batch_size',
  };

  it('are found in the usual graph, with and without definitions', () => {
    expect(offered({})).toEqual(usual);
    expect(offered({}, null)).toEqual(usual);
  });

  it('have types, ranges and defaults, and none is required', () => {
    const inputs = Object.fromEntries(read().inputs.map((input) => [input.name, input]));
    expect(inputs['prompt']).toEqual({
      name: 'prompt',
      type: 'string',
      targets: [{ node: '6', field: 'text' }],
      required: false,
      default: 'a regal phoenix',
    });
    expect(inputs['seed']).toMatchObject({ type: 'int', random: true, min: 0, max: 2 ** 64, required: false });
    expect(inputs['seed']).not.toHaveProperty('default');
    expect(inputs['cfg']).toMatchObject({ type: 'float', min: 0, max: 100, step: 0.1, default: 7 });
    expect(inputs['width']).toMatchObject({ type: 'int', min: 16, max: 16384, step: 8, default: 64 });
    expect(Object.fromEntries(read({}, null).inputs.map(({ name, type }) => [name, type]))).toMatchObject({
      cfg: 'float',
      denoise: 'float',
      steps: 'int',
      seed: 'int',
    });
  });

  it('look through nodes that pass conditioning on, by the output that is used', () => {
    const net = n('ControlNetApplyAdvanced', { positive: ['6', 0], negative: ['7', 0], control_net: ['4', 0], image: ['4', 0] });
    const through: Graph = {
      ...graph,
      '20': net,
      '3': { ...graph['3']!, inputs: { ...graph['3']!.inputs, positive: ['20', 0], negative: ['20', 1] } },
    };
    expect(offered({ graph: through })).toEqual(usual);
  });

  it('follow a text to the node that holds it, and leave out a negative that is the positive', () => {
    const linked: Graph = {
      ...graph,
      '6': n('CLIPTextEncode', { text: ['30', 0], clip: ['4', 1] }),
      '30': n('PrimitiveStringMultiline', { value: 'hello' }),
      '31': n('ConditioningZeroOut', { conditioning: ['6', 0] }),
      '3': { ...graph['3']!, inputs: { ...graph['3']!.inputs, negative: ['31', 0] } },
    };
    const inputs = offered({ graph: linked }, null);
    expect(inputs).toMatchObject({ prompt: '30.value' });
    expect(inputs).not.toHaveProperty('negative_prompt');
  });

  it('share the seed, and number what comes twice', () => {
    const two: Graph = {
      ...graph,
      '12': n('KSampler', { ...graph['3']!.inputs, steps: 9 }),
      '13': n('KSamplerAdvanced', { noise_seed: '18446744073709551615' }),
    };
    expect(offered({ graph: two }, null)).toMatchObject({ seed: '3.seed 12.seed 13.noise_seed', steps: '3.steps', steps_12: '12.steps' });
  });

  it('ask for pictures that do not ship with the workflow', () => {
    const loading: Graph = {
      '1': n('LoadImage', { image: 'cat.png' }),
      '2': n('LoadImage', { image: 'dog.png' }),
      '3': n('SaveImage', { images: ['1', 0], filename_prefix: 'x' }),
    };
    const files = [{ name: 'dog.png', asset: 'blake3:1' }];
    for (const known of [definitions, null]) {
      expect(read({ graph: loading, files }, known).inputs).toMatchObject([
        { name: 'image', type: 'image', required: true, targets: [{ node: '1', field: 'image' }] },
        { name: 'image_2', type: 'image', required: false, default: 'dog.png' },
      ]);
    }
  });

  it('have a prompt without a sampler, and none where there is no text', () => {
    expect(offered({ graph: { '1': n('PrimitiveString', { value: 'x' }), '2': n('PreviewAny', { source: ['1', 0] }) } })).toEqual({
      prompt: '1.value',
    });
    expect(
      offered({
        graph: {
          '1': n('EmptyImage', { width: 8, height: 8, batch_size: 1, color: 0 }),
          '2': n('SaveImage', { images: ['1', 0], filename_prefix: 'x' }),
        },
      }),
    ).toEqual({});
  });
});

describe('declared inputs', () => {
  it('take from graph and definitions what is not declared', () => {
    expect(declared({ size: { target: ['5.width', '5.height'], max: 1024 }, sampler: { target: ['3.sampler_name'] } })).toMatchObject([
      {
        name: 'size',
        type: 'int',
        min: 16,
        max: 1024,
        step: 8,
        default: 64,
        required: false,
        targets: [{ field: 'width' }, { field: 'height' }],
      },
      { name: 'sampler', type: 'enum', default: 'euler', choices: expect.arrayContaining(['euler', 'dpmpp_2m']) as unknown },
    ]);
  });

  it('keep what is declared', () => {
    const config = { description: 'How many', required: true, default: 5, choices: [5, 10] };
    expect(declared({ steps: { target: ['3.steps'], ...config } })).toEqual([
      { name: 'steps', type: 'enum', targets: [{ node: '3', field: 'steps' }], ...config },
    ]);
  });

  it('are required when the graph has no value', () => {
    const upscale: Graph = { ...graph, '8': n('VAEDecode', { samples: ['3', 0] }) };
    const odd = {
      ...definitions,
      VAEDecode: { ...definitions['VAEDecode']!, input: { required: {}, optional: { note: ['STRING', {}] as [string, object] } } },
    };
    expect(
      readWorkflow({ graph: upscale, inputs: { note: { target: ['8.note'] } }, outputs: null, files: [] }, odd as never).inputs,
    ).toMatchObject([{ name: 'note', type: 'string', required: true }]);
  });

  it.each<[string, Partial<InputConfig> & { target: string[] }, RegExp]>([
    ['a target that is none', { target: ['text'] }, /Input it: its target "text" is not of the form NODE\.FIELD/],
    ['no target', { target: [] }, /Input it: it has no target/],
    ['an unknown node', { target: ['66.text'] }, /66\.text names node 66, which is not in the graph; did you mean 6\?/],
    ['an unknown field', { target: ['6.txt'] }, /node 6 \(CLIPTextEncode\) has no field txt; did you mean text\?/],
    ['a linked field', { target: ['3.model'] }, /3\.model is linked to node 4 \(CheckpointLoaderSimple\)/],
    ['a wrong type', { target: ['3.steps'], type: 'string' }, /declared as string, but the field takes int \(3\.steps\)/],
    ['a type that fits only one target', { target: ['6.text', '3.cfg'] }, /declared as string, but the field takes float \(3\.cfg\)/],
    ['choices of another type', { target: ['3.steps'], choices: [5, 'many'] }, /each of its choices must be a whole number, not "many"/],
    ['a default out of range', { target: ['3.steps'], default: 0 }, /its default must be at least 1, not 0/],
    ['a default of another type', { target: ['6.text'], default: 5 }, /its default must be a text, not 5/],
  ])('refuse %s', (_what, config, message) => {
    expect(() => declared({ it: config })).toThrow(message);
    expect(() => declared({ it: config })).toThrow(expect.objectContaining({ code: 'invalid_workflow' }));
  });
});

describe('outputs, files and version', () => {
  it('refuses outputs that are none, and files that nobody reads', () => {
    expect(read({ outputs: ['9'] }).outputs).toEqual([{ node: '9' }]);
    expect(() => read({ outputs: ['99'] })).toThrow(/Output 99 is no node of the graph; did you mean 9\?/);
    expect(() => read({ outputs: ['8'] })).toThrow(/Output 8 \(VAEDecode\) gives no result; nodes that do: 9/);
    const loading = { ...graph, '1': n('LoadImage', { image: 'cat.png' }) };
    expect(() => read({ graph: loading, files: [{ name: 'cot.png', asset: 'a' }] })).toThrow(/File cot\.png .*did you mean cat\.png/);
  });

  it('has a version by its content, with or without definitions', () => {
    const { version } = read();
    expect(read({}, null).version).toBe(version);
    expect(read({ graph: { ...graph, '6': n('CLIPTextEncode', { text: 'other', clip: ['4', 1] }) } }).version).not.toBe(version);
    expect(read({ outputs: ['9'] }).version).not.toBe(version);
    expect(read({ inputs: { prompt: { target: ['6.text'] } } }).version).not.toBe(version);
  });

  it('learns from definitions what it was read without', () => {
    const inputs = {
      strength: { target: ['3.denoise'] },
      sampler: { target: ['3.sampler_name'] },
      steps: { target: ['3.steps'], max: 50 },
      batch: { target: ['5.batch_size'] },
    };
    const blind = read({ inputs }, null);
    expect(blind.inputs.map(({ type }) => type)).toEqual(['float', 'string', 'int', 'int']);
    expect(refineWorkflow(blind, definitions)).toEqual(read({ inputs }));
    expect(refineWorkflow(blind, {})).toEqual(blind);
  });
});
