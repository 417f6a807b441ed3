import type { Deployments } from '../../deployments/deployments.ts';
import type { WorkflowInput } from '../../deployments/workflow.ts';
import type { OverviewDocument } from './document.ts';

/** A request that the default deployment takes: its required inputs, or the first text it knows. */
export function exampleOf(deployments: Deployments): OverviewDocument['example'] {
  const deployment = deployments.list().find((one) => one.default);
  if (!deployment) return null;
  const { inputs } = deployments.revision(deployment).workflow;
  const required = inputs.filter((input) => input.required);
  const text = inputs.find((input) => input.type === 'string');
  const given = required.length > 0 || !text ? required : [text];
  return { path: '/', body: Object.fromEntries(given.map((input) => [input.name, valueFor(input)])), file: 'phoenix.png' };
}

function valueFor(input: WorkflowInput): unknown {
  if (input.type === 'string') return 'a regal phoenix';
  if (input.type === 'image' || input.type === 'file') return 'https://example.com/picture.png';
  return input.default ?? input.choices?.[0] ?? input.min ?? (input.type === 'boolean' ? true : 1);
}
