import { expect, test } from 'vitest';
import type { WorkflowInput } from '../deployments/workflow.ts';
import { inputSchema } from './input-schema.ts';

test('a file that has to be given has no default, though the graph names one', () => {
  const photo: WorkflowInput = { name: 'photo', type: 'image', targets: [], required: true, default: 'me.png' };
  const shipped: WorkflowInput = { ...photo, name: 'shipped', required: false };
  const schema = inputSchema({ version: 'v', graph: {}, inputs: [photo, shipped], outputs: [], files: [] });
  expect(schema['required']).toEqual(['photo']);
  expect(schema['properties']).toMatchObject({ photo: { contentMediaType: 'image/*' }, shipped: { default: 'me.png' } });
  expect(schema['properties']).not.toHaveProperty('photo.default');
});
