import { str } from '../../comfyui/python.ts';
import { text } from './node.ts';
import type { NodeClass } from './node.ts';

const same: NodeClass = { run: (inputs) => ({ outputs: [inputs['value']] }) };

/** What PreviewAny shows of a value: as Python writes it, or its JSON. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return str(value);
  const { kind } = value as { kind?: string };
  return kind === undefined ? JSON.stringify(value) : `<emulated ${kind}>`;
}

export const textNodes: Readonly<Record<string, NodeClass>> = {
  PrimitiveString: same,
  PrimitiveStringMultiline: same,
  PrimitiveInt: same,
  PrimitiveFloat: same,
  PrimitiveBoolean: same,
  StringConcatenate: {
    run: (inputs) => ({ outputs: [[text(inputs, 'string_a'), text(inputs, 'string_b')].join(text(inputs, 'delimiter'))] }),
  },
  StringReplace: {
    run: (inputs) => ({ outputs: [text(inputs, 'string').replaceAll(text(inputs, 'find'), () => text(inputs, 'replace'))] }),
  },
  PreviewAny: { run: (inputs) => ({ outputs: [], ui: { text: [shown(inputs['source'])] } }) },
};
