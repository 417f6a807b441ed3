import type { Workflow, WorkflowInput } from '../deployments/workflow.ts';

type JsonSchema = Record<string, unknown>;

/** Clients whose numbers are those of JavaScript cannot write such seeds otherwise. */
const digitsNote = 'Beyond 2^53 also as a string of its digits.';
const fileNote = 'An http(s) URL, a data URL, base64, the asset of an upload, or a file of multipart/form-data.';

/** JSON Schema (2020-12) of a workflow's named inputs: what forms, clients and the OpenAPI document read. */
export function inputSchema(workflow: Workflow): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(workflow.inputs.map((input) => [input.name, propertySchema(input)])),
    required: workflow.inputs.filter((input) => input.required).map((input) => input.name),
    additionalProperties: false,
  };
}

function propertySchema(input: WorkflowInput): JsonSchema {
  const random = input.random ? 'Drawn at random when left out.' : '';
  const isFile = input.type === 'image' || input.type === 'file';
  const digits = input.type === 'int' && (input.max ?? 0) > Number.MAX_SAFE_INTEGER ? digitsNote : '';
  const description = [input.description, random, digits, isFile ? fileNote : ''].filter(Boolean).join(' ');
  // A file that has to be given is not there, whatever the graph calls it.
  const hasDefault = input.default !== undefined && !input.random && !(isFile && input.required);
  return {
    ...typeSchema(input),
    ...(input.min === undefined ? {} : { minimum: input.min }),
    ...(input.max === undefined ? {} : { maximum: input.max }),
    ...(hasDefault ? { default: input.default } : {}),
    ...(description === '' ? {} : { description }),
  };
}

function typeSchema(input: WorkflowInput): JsonSchema {
  switch (input.type) {
    case 'string':
      return { type: 'string' };
    case 'int':
      return { type: 'integer' };
    case 'float':
      return { type: 'number' };
    case 'boolean':
      return { type: 'boolean' };
    case 'enum':
      return { enum: input.choices ?? [] };
    case 'image':
      return { type: 'string', format: 'uri-reference', contentMediaType: 'image/*' };
    case 'file':
      return { type: 'string', format: 'uri-reference' };
  }
}
