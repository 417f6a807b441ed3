import { definitionOf, fileKindOf, choicesOf, inputOf } from '../../comfyui/definitions.ts';
import type { Graph, NodeDefinitions } from '../../comfyui/protocol.ts';
import type { InputFile } from '../../comfyui/runner.ts';
import type { Caller, Store } from '../../store/store.ts';
import { loadedName } from './file-names.ts';

/** A field that names a file which the caller does not have. */
export interface MissingFile {
  readonly node: string;
  readonly field: string;
  readonly value: string;
}

/**
 * The files that a caller's graph reads: by name from the caller's folders, else those that ship with the workflow. What a container
 * has in its own input folder needs no upload. `definitions` null: fields are known by convention.
 */
export async function resolveFiles(
  store: Pick<Store, 'namedFile'>,
  graph: Graph,
  definitions: NodeDefinitions | null,
  caller: Caller,
  shipped: readonly InputFile[] = [],
): Promise<{ files: InputFile[]; missing: MissingFile[] }> {
  const files = new Map<string, InputFile>();
  const missing: MissingFile[] = [];
  for (const { node, field, value, folder, onContainer } of fileFields(graph, definitions)) {
    const known = files.get(value);
    if (known) {
      files.set(value, { ...known, fields: [...(known.fields ?? []), [node, field]] });
      continue;
    }
    const name = loadedName(value, folder);
    const named = name && (await store.namedFile({ caller, ...name }));
    const file = named ? { name: value, asset: named.asset } : shipped.find((one) => one.name === value);
    if (file) files.set(value, { ...file, fields: [[node, field]] });
    else if (!onContainer) missing.push({ node, field, value });
  }
  return { files: [...files.values()], missing };
}

interface FileField extends MissingFile {
  readonly folder: 'input' | 'output';
  readonly onContainer: boolean;
}

function fileFields(graph: Graph, definitions: NodeDefinitions | null): FileField[] {
  return Object.entries(graph).flatMap(([id, node]) => {
    const definition = definitions ? definitionOf(definitions, node.class_type) : undefined;
    return Object.entries(node.inputs).flatMap(([field, value]): FileField[] => {
      const input = inputOf(definition, field);
      const folder = fileKindOf(node, field, input)?.folder;
      if (typeof value !== 'string' || (folder !== 'input' && folder !== 'output')) return [];
      return [{ node: id, field, value, folder, onContainer: choicesOf(input)?.includes(value) === true }];
    });
  });
}
