import { choicesOf, definitionOf, inputOf } from './definitions.ts';
import { isLink } from './graph.ts';
import type { Graph, InputDefinition, Json, NodeDefinitions } from './protocol.ts';

/** A value that may lead a container to a file that is none of the job's business. */
export interface UnsafeString {
  readonly node: string;
  readonly field: string;
  readonly value: string;
  readonly reason: string;
}

const fileFieldName =
  /(^|_)(files?|filenames?|paths?|dir|directory|folder|subfolder|prefix|images?|videos?|audio|mask|models?|checkpoint|ckpt|unet|clip|clip_vision|control_net|hypernetwork|gligen|embedding|lora|vae|dataset|location|url)(_?name|_?path)?$/i;

/** A choice that is a file. */
const fileName = /\.[a-z0-9]{2,12}(?:\s*\[\w+\])?$/i;

const dangers: readonly [RegExp, string][] = [
  [/\0/, 'it holds a null byte'],
  [/^\s*[/~]/, 'it is an absolute path'],
  [/^\s*[a-z]:/i, 'it starts with a drive'],
  [/(^|[/\\])\.\.([/\\]|$)/, 'it leads out of its folder'],
  [/\\/, 'it holds a backslash'],
  [/\[(input|output|temp)\]\s*$/, 'it chooses a folder by a suffix'],
  [/^\s*[a-z][a-z0-9+.-]*:\/\//i, 'it is a URL'],
];

/**
 * Strings in file fields that look like paths, and file fields that get their text from another node, where it cannot be checked.
 * What stands among a field's choices is safe: the container offers it. Saving prefixes are replaced by the job's own anyway.
 */
export function unsafeFileStrings(graph: Graph, definitions: NodeDefinitions | null): UnsafeString[] {
  return Object.entries(graph).flatMap(([id, node]) =>
    Object.entries(node.inputs).flatMap(([field, value]) => {
      const input = definitions ? inputOf(definitionOf(definitions, node.class_type), field) : undefined;
      const reason = field === 'filename_prefix' ? null : dangerOf(field, value, input);
      return reason === null ? [] : [{ node: id, field, value: typeof value === 'string' ? value : JSON.stringify(value), reason }];
    }),
  );
}

function dangerOf(field: string, value: Json, input: InputDefinition | undefined): string | null {
  const choices = choicesOf(input);
  const isChoice = choices !== null || input?.[0] === 'COMBO';
  const isText = input === undefined || input[0] === 'STRING';
  const namesFile = fileFieldName.test(field);
  if (!isChoice && !(isText && namesFile)) return null;
  // Which of a few words another node chooses (a sampler, a method) leads to no file.
  const ofFiles = namesFile || (choices ?? []).some((choice) => typeof choice === 'string' && fileName.test(choice));
  if (isLink(value)) return input !== undefined && ofFiles ? `its text comes from node ${value[0]}, where it cannot be checked` : null;
  for (const text of stringsIn(value)) {
    if (choices?.includes(text)) continue;
    const danger = dangers.find(([pattern]) => pattern.test(text));
    if (danger) return danger[1];
  }
  return null;
}

/** Every string in a value: lists and objects are as good a way to pass a path. */
function stringsIn(value: Json): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
