import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { EmulatedWorld } from '../../test/protocol/emulated-world.ts';
import { createMemoryAssets } from '../assets/memory.ts';
import { checkGraph } from '../comfyui/check-graph.ts';
import { createPromptRunner } from '../comfyui/client.ts';
import { parseGraph } from '../comfyui/graph.ts';
import { loadConfig, shippedConfig } from '../config/load.ts';
import { definitionsFor, usualModels } from '../emulator/definitions.ts';
import { createSystemClock, createSystemRandom } from '../fleet/system-clock.ts';
import { bindInputs } from './bind-inputs.ts';
import { readWorkflow } from './read-workflow.ts';

const definitions = definitionsFor(usualModels);
const clock = createSystemClock();
const random = createSystemRandom(clock);
const assets = createMemoryAssets(clock);
const runner = createPromptRunner({ assets, clock, random });
const world = new EmulatedWorld();
afterAll(async () => {
  runner.close();
  await world.close();
});

const { config } = loadConfig({ flags: {}, env: {}, cwd: world.folder, shipped: shippedConfig() });

it('ships a default, and one that needs no model', () => {
  expect(config.deployments.map(({ name }) => name)).toEqual(['collage', 'text-to-image', 'no-model']);
  expect(config.deployments.filter((one) => one.default).map(({ name }) => name)).toEqual(['collage']);
});

it.each(config.deployments)('$name runs as it is shipped', async ({ name, workflow: path, inputs, outputs, files }) => {
  const shipped = await Promise.all(
    Object.entries(files).map(async ([name, file]) => ({ name, asset: (await assets.put(await readFile(file))).id })),
  );
  const graph = parseGraph(await readFile(path, 'utf8'));
  const workflow = readWorkflow({ graph, inputs, outputs, files: shipped }, definitions);
  expect(checkGraph(graph, definitions, new Set(Object.keys(files)))).toEqual([]);

  const stageFile = (): never => {
    throw new Error('nothing was given to be staged');
  };
  const bound = await bindInputs(workflow, { prompt: 'a regal phoenix' }, { random, stageFile, definitions });
  expect(bound.modelKey).toBe(name === 'no-model' ? '' : 'v1-5-pruned-emaonly.safetensors');

  const { url } = await world.start({ name });
  const prompt = { id: name, graph: bound.graph, files: bound.files, prefix: `${name}/out`, client: null };
  const result = await runner.run({ url }, prompt, { signal: new AbortController().signal, onEvent: () => undefined });
  if (result.kind !== 'succeeded') throw new Error(JSON.stringify(result));
  const made = bound.outputNodes.flatMap((node) => result.outputs.filter((output) => output.node === node));
  const { stream, mime } = await runner.download({ url }, made[0]!.file!);
  expect(mime).toBe('image/png');
  expect(await sharp(await buffer(stream)).metadata()).toMatchObject(
    name === 'text-to-image' ? { width: 512, height: 512 } : { width: 768, height: 512 },
  );
  if (name === 'no-model') expect(made[1]).toMatchObject({ text: 'a regal phoenix' });
});
