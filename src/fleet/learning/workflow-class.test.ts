import { expect, test } from 'vitest';
import type { Graph, GraphNode } from '../../comfyui/protocol.ts';
import { workflowClass } from './workflow-class.ts';

const graph = (sampler: GraphNode['inputs'] = {}, more: Graph = {}): Graph => ({
  '3': { class_type: 'KSampler', inputs: { seed: 1, steps: 20, cfg: 7, sampler_name: 'euler', model: ['4', 0], ...sampler } },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'sd15.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 512, batch_size: 1 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a cat', clip: ['4', 1] } },
  ...more,
});

const sizes = (width: number, height: number): Graph => ({
  '5': { class_type: 'EmptyLatentImage', inputs: { width, height, batch_size: 1 } },
});

test('what differs from job to job does not matter', () => {
  const own = workflowClass(graph());
  expect(workflowClass(graph({ seed: 2, cfg: 8, sampler_name: 'ddim' }))).toBe(own);
  expect(workflowClass(graph({}, { '6': { class_type: 'CLIPTextEncode', inputs: { text: 'two dogs', clip: ['4', 1] } } }))).toBe(own);
});

test.each<[string, Graph]>([
  ['steps', graph({ steps: 40 })],
  ['size', graph({}, sizes(1024, 512))],
  ['size, the other way round', graph({}, sizes(512, 1024))],
  ['another node', graph({}, { '6': { class_type: 'CLIPTextEncodeFlux', inputs: {} } })],
  ['one node more', graph({}, { '7': { class_type: 'VAEDecode', inputs: {} } })],
])('what decides how long it takes does: %s', (_, other) => {
  expect(workflowClass(other)).not.toBe(workflowClass(graph()));
});

test('a costly input that another node gives does not count, as its value is not known', () => {
  expect(workflowClass(graph({ steps: ['9', 0] }))).toBe(workflowClass(graph({ steps: ['8', 0] })));
});

test('a graph without nodes has a class, too', () => {
  expect(workflowClass({})).toMatch(/^[0-9a-f]+$/);
});
