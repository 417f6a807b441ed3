import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textToImage } from '../../test/protocol/emulated-world.ts';
import { seededRandom, VirtualClock } from '../../test/support/virtual-clock.ts';
import type { Graph } from '../comfyui/protocol.ts';
import { definitionsFor, usualModels } from '../emulator/definitions.ts';
import { ComfleetError } from '../errors.ts';
import { bindInputs, type StageText } from './bind-inputs.ts';
import { createBinder } from './binder.ts';
import { readWorkflow } from './read-workflow.ts';

const definitions = definitionsFor(usualModels);
const random = seededRandom(3, new VirtualClock());
const base = textToImage() as Graph;
const graph: Graph = {
  ...base,
  '1': { class_type: 'LoadImage', inputs: { image: 'background.png' } },
  '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
};
const files = [{ name: 'background.png', asset: 'blake3:bg' }];
const inputs = {
  prompt: { target: ['6.text'] },
  seed: { target: ['3.seed'], random: true },
  steps: { target: ['3.steps'], max: 50 },
  cfg: { target: ['3.cfg'] },
  sampler: { target: ['3.sampler_name'] },
  background: { target: ['1.image'] },
  model: { target: ['4.ckpt_name'], type: 'string' as const },
};
const workflow = readWorkflow({ graph, inputs, outputs: ['9'], files }, definitions);

const staged: string[] = [];
const stageFile: StageText = async (source) => {
  staged.push(source);
  if (source.startsWith('http://text')) return { asset: 'blake3:text', name: 'text.bin', mime: 'text/plain' };
  if (source === 'nonsense') throw new ComfleetError('invalid_input', '"nonsense" is no file');
  return { asset: 'blake3:new', name: 'new.png', mime: 'image/png' };
};
const bind = (given: Record<string, unknown>) => bindInputs(workflow, given, { random, stageFile, definitions });

describe('bindInputs', () => {
  it('fills in defaults and draws the seed', async () => {
    const bound = await bind({});
    expect(bound).toMatchObject({ outputNodes: ['9'], files, modelKey: 'dreamshaper_8.safetensors' });
    const { seed, ...rest } = bound.inputs as { seed: number };
    expect(rest).toEqual({
      prompt: 'a regal phoenix',
      steps: 25,
      cfg: 7,
      sampler: 'euler',
      background: 'background.png',
      model: 'dreamshaper_8.safetensors',
    });
    expect(Number.isSafeInteger(seed)).toBe(true);
    expect(bound.graph).toEqual({ ...graph, '3': { ...graph['3'], inputs: { ...graph['3']!.inputs, seed } } });
    expect((await bind({})).inputs?.['seed']).not.toBe(seed);
  });

  it('puts values where they belong and leaves the workflow as it is', async () => {
    const before = structuredClone(workflow);
    const bound = await bind({ prompt: 'a cat', seed: 5, steps: 50, cfg: 1.5, sampler: 'dpmpp_2m', model: 'sd_xl_base_1.0.safetensors' });
    expect(bound.graph['6']?.inputs['text']).toBe('a cat');
    expect(bound.graph['3']?.inputs).toMatchObject({ seed: 5, steps: 50, cfg: 1.5, sampler_name: 'dpmpp_2m', model: ['4', 0] });
    expect(bound.modelKey).toBe('sd_xl_base_1.0.safetensors');
    expect(workflow).toEqual(before);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ promt: 'x' }, /"promt" is no input of this workflow \(did you mean prompt\?\); it has prompt, seed, steps/],
    [{ prompt: 5 }, /"prompt" must be a text, not 5/],
    [{ prompt: null }, /"prompt" must be a text, not null/],
    [{ steps: '5' }, /"steps" must be a whole number, not "5"/],
    [{ steps: 2.5 }, /"steps" must be a whole number, not 2\.5/],
    [{ steps: 51 }, /"steps" must be at most 50, not 51/],
    [{ steps: 0 }, /"steps" must be at least 1, not 0/],
    [{ cfg: '7' }, /"cfg" must be a number, not "7"/],
    [{ cfg: 101 }, /"cfg" must be at most 100/],
    [{ sampler: 'oiler' }, /"sampler" must be one of "euler", .*, not "oiler"/],
    [{ seed: 2 ** 60 }, /"seed" must be written with all its digits, not as 1152921504606847000/],
    [{ seed: '18446744073709551616' }, /"seed" must be at most 18446744073709551615/],
    [{ seed: -1 }, /"seed" must be at least 0/],
    [{ background: 5 }, /"background" must be a URL/],
    [{ background: { url: 5 } }, /"background" must be a URL/],
    [{ background: { url: 'a', asset: 'b' } }, /"background" must be a URL/],
    [{ background: 'nonsense' }, /"background": "nonsense" is no file/],
    [{ background: 'http://text' }, /"background" must be a PNG, JPEG, WebP or GIF image; its bytes are text\/plain/],
    [{ model: '../../etc/passwd' }, /"model" names a file, and it leads out of its folder/],
    [{ prompt: 1, steps: 0, x: 1 }, /"x" is no input.*"prompt" must.*"steps" must/],
  ])('refuses %j', async (given, message) => {
    await expect(bind(given)).rejects.toThrow(message);
    await expect(bind(given)).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('takes whole numbers up to 2^64 - 1 as digits, which reach the graph unharmed', async () => {
    for (const seed of ['18446744073709551615', '9007199254740993']) {
      const bound = await bind({ seed });
      expect([bound.graph['3']?.inputs['seed'], bound.inputs?.['seed']]).toEqual([seed, seed]);
    }
  });

  it('asks for required inputs', async () => {
    const strict = readWorkflow({ graph, inputs: { prompt: { target: ['6.text'], required: true } }, outputs: null, files }, definitions);
    const tools = { random, stageFile, definitions };
    await expect(bindInputs(strict, {}, tools)).rejects.toThrow(/"prompt" is missing/);
    expect((await bindInputs(strict, { prompt: 'x' }, tools)).graph['6']?.inputs['text']).toBe('x');
  });

  it.each(['https://example.com/a.png', { url: 'https://example.com/a.png' }, { asset: 'blake3:1' }, { data: 'data:image/png;base64,xx' }])(
    'stages %j and sends it in place of the shipped file',
    async (background) => {
      staged.length = 0;
      const bound = await bind({ background });
      expect(staged).toEqual([typeof background === 'string' ? background : Object.values(background)[0]]);
      expect(bound.graph['1']?.inputs['image']).toBe('new.png');
      expect(bound.files).toEqual([{ name: 'new.png', asset: 'blake3:new' }]);
      expect(bound.inputs?.['background']).toEqual({ asset: 'blake3:new' });
    },
  );

  it('takes the name of the shipped file for what it is', async () => {
    staged.length = 0;
    expect((await bind({ background: 'background.png' })).files).toEqual(files);
    expect(staged).toEqual([]);
  });

  it('takes any object without throwing anything but invalid_input', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom('prompt', 'seed', 'steps', 'cfg', 'sampler', 'model', '__proto__', 'toString'), fc.jsonValue()),
        async (given) => {
          await bind(given).catch((error: unknown) => expect(error).toMatchObject({ code: 'invalid_input' }));
        },
      ),
    );
  });

  it('draws seeds within the range', async () => {
    const small = readWorkflow(
      { graph, inputs: { seed: { target: ['3.seed'], random: true, min: 4, max: 6 } }, outputs: null, files },
      definitions,
    );
    const drawn = await Promise.all(
      Array.from({ length: 40 }, async () => (await bindInputs(small, {}, { random, stageFile, definitions })).inputs?.['seed']),
    );
    expect(new Set(drawn)).toEqual(new Set([4, 5, 6]));
  });
});

describe('a client’s own graph', () => {
  const binder = createBinder({ random, stageFile, definitions: () => definitions });

  it('is checked and described', () => {
    expect(binder.readGraph(base, definitions)).toEqual({
      inputs: null,
      graph: base,
      files: [],
      outputNodes: ['9'],
      modelKey: 'dreamshaper_8.safetensors',
    });
    expect(binder.readGraph(base, null)).toMatchObject({ outputNodes: ['9'] });
  });

  it.each<[unknown, string, RegExp]>([
    [{ nodes: [], links: [] }, 'ui_workflow', /Export \(API\)/],
    [{ '1': { class_type: 'Nope', inputs: {} } }, 'unknown_node', /Nope/],
    [
      { ...base, '1': { class_type: 'LoadImage', inputs: { image: '/etc/passwd' } } },
      'invalid_graph',
      /node 1 \(LoadImage\), image: it is an absolute path/,
    ],
    [graph, 'missing_file', /background\.png/],
  ])('is refused when it is bad (%#)', (value, code, message) => {
    expect(() => binder.readGraph(value, definitions)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    );
  });
});
