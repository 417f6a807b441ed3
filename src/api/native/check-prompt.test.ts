import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApiWorld, type ApiWorld } from '../../../test/support/api.ts';
import type { Graph, Json, NodeDefinitions } from '../../comfyui/protocol.ts';

const definitions = {
  Empty: { input: { required: {} }, output: ['IMAGE'], name: 'Empty', output_node: false },
  Load: { input: { required: { image: [['there.png'], { image_upload: true }] } }, output: ['IMAGE'], name: 'Load', output_node: false },
  Show: { input: { required: { source: ['*', {}] } }, output: [], name: 'Show', output_node: true },
} as unknown as NodeDefinitions;

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld({
    change: ({ deployments }) => ({ deployments: { ...deployments, definitions: () => definitions } }),
    config: { openGraphs: true },
  });
});
afterEach(() => world.app.close());

async function ask(prompt: Graph): Promise<{ status: number; json: unknown }> {
  const answer = await world.app.inject({ method: 'POST', url: '/prompt', payload: JSON.stringify({ prompt }) });
  return { status: answer.statusCode, json: answer.json() };
}

test('a list that is a value goes to the container as it came: bare, it would be a link', async () => {
  const shows = (source: Json): Graph => ({ 1: { class_type: 'Show', inputs: { source } } });
  for (const list of [
    [1, 2, 3],
    ['a', 'b'],
    ['1', 0],
  ]) {
    expect(await ask(shows({ __value__: list }))).toMatchObject({ status: 200, json: { node_errors: {} } });
    const { items } = await world.context.store.jobs({ limit: 1 });
    expect(items[0]!.graph).toMatchObject({ 1: { inputs: { source: { __value__: list } } } });
  }
  expect(await ask(shows({ __value__: 'a' }))).toMatchObject({ status: 200 });
});

test('a link to a wrong node among good ones is told as ComfyUI does, whatever field it is in', async () => {
  const prompt: Graph = {
    1: { class_type: 'Empty', inputs: {} },
    2: { class_type: 'Show', inputs: { source: ['1', 0] } },
    3: { class_type: 'Load', inputs: { image: ['1', 0] } },
    4: { class_type: 'Show', inputs: { source: ['3', 0] } },
  };
  const answer = await ask(prompt);
  expect(answer).toMatchObject({ status: 200, json: { node_errors: { 3: { errors: [{ type: 'return_type_mismatch' }] } } } });
});
