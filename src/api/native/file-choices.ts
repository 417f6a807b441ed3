import type { InputDefinition, NodeDefinition, NodeDefinitions } from '../../comfyui/protocol.ts';
import { mimeOf } from './mime.ts';

/** A field of a node that is chosen from the caller's files. */
export interface FileChoice {
  readonly node: string;
  readonly group: 'required' | 'optional';
  readonly field: string;
  readonly folder: 'input' | 'output';
  /** Which files fit, by the first part of their kind; null: all. */
  readonly kinds: readonly string[] | null;
}

/** What ComfyUI's own nodes offer; an option that is not here takes any file. */
const kindsOf: Readonly<Record<string, readonly string[]>> = {
  image_upload: ['image'],
  animated_image_upload: ['image'],
  video_upload: ['video'],
  audio_upload: ['audio', 'video'],
};

/** Every such field of these definitions. One whose choices its own page fetches has none to fill in. */
export function fileChoices(definitions: NodeDefinitions): FileChoice[] {
  return Object.entries(definitions).flatMap(([node, definition]) =>
    (['required', 'optional'] as const).flatMap((group) =>
      Object.entries(definition.input[group] ?? {}).flatMap(([field, input]): FileChoice[] => {
        const [type, options = {}] = input;
        const upload = Object.keys(options).find((key) => key.endsWith('_upload') && options[key] === true);
        if (upload === undefined || !(Array.isArray(type) || Array.isArray(options['options']))) return [];
        const folder = options['image_folder'] === 'output' ? 'output' : 'input';
        return [{ node, group, field, folder, kinds: kindsOf[upload] ?? null }];
      }),
    ),
  );
}

/** The definition with these files as what can be chosen. */
export function withFiles(definition: NodeDefinition, { group, field, kinds }: FileChoice, files: readonly string[]): NodeDefinition {
  const fitting = files.filter((file) => kinds === null || kinds.includes(mimeOf(file).split('/')[0] ?? ''));
  const [type, options] = (definition.input[group] ?? {})[field] as InputDefinition;
  const changed: InputDefinition = Array.isArray(type)
    ? ([fitting, ...(options ? [options] : [])] as InputDefinition)
    : [type, { ...options, options: fitting }];
  return { ...definition, input: { ...definition.input, [group]: { ...definition.input[group], [field]: changed } } };
}
