import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { scalingSynonyms } from './scaling.ts';

/** A YAML text read into values, with the line of every key. */
export interface YamlFile {
  /** Plain values; a key of the first level without a value is left out. */
  readonly values: unknown;
  /** Errors of the YAML itself; `values` is empty when there are any. */
  readonly errors: readonly { readonly line: number; readonly message: string }[];
  /** The line, from 1, of the deepest part of `path` that the file has. */
  lineOf(path: readonly PropertyKey[]): number;
}

export function readYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const errors = document.errors.map((error) => ({ line: lines.linePos(error.pos[0]).line, message: error.message }));
  const lineOf = (path: readonly PropertyKey[]): number => lines.linePos(offsetOf(document, path)).line;
  if (errors.length > 0) return { values: {}, errors, lineOf };
  try {
    return { values: withoutEmpty(document.toJS()), errors, lineOf };
  } catch (error) {
    // An alias without its anchor, or far too many of them.
    return { values: {}, errors: [{ line: 1, message: error instanceof Error ? error.message : String(error) }], lineOf };
  }
}

/** `deployments:` with nothing below it means the same as no such key. */
function withoutEmpty(values: unknown): unknown {
  if (values === null || values === undefined) return {};
  if (typeof values !== 'object' || Array.isArray(values)) return values;
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let offset = 0;
  let node: unknown = document.contents;
  for (const part of path) {
    if (isMap(node)) {
      const names = new Set([String(part), ...synonymsOf(part)]);
      const pair = node.items.find(({ key }) => names.has(isScalar(key) ? String(key.value) : String(key)));
      if (pair === undefined) break;
      if (isNode(pair.key) && pair.key.range) offset = pair.key.range[0];
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (!isNode(node)) break;
      if (node.range) offset = node.range[0];
    } else {
      break;
    }
  }
  return offset;
}

const synonymsOf = (part: PropertyKey): string[] =>
  Object.entries(scalingSynonyms)
    .filter(([, name]) => name === part)
    .map(([synonym]) => synonym);
