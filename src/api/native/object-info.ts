import { createHash } from 'node:crypto';
import { definitionOf } from '../../comfyui/definitions.ts';
import type { NodeDefinition, NodeDefinitions } from '../../comfyui/protocol.ts';
import { ComfleetError } from '../../errors.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { EncodedDocument } from './encoded.ts';
import { fileChoices, withFiles, type FileChoice } from './file-choices.ts';
import { addNativeRoute, parameter, type NativeCall } from './route.ts';

/** Documents kept: one for each list of files that somebody has. */
const keptDocuments = 8;

type Files = Readonly<Record<FileChoice['folder'], readonly string[]>>;

/** Definitions that were reported, with what is made of them once. */
interface Known {
  readonly definitions: NodeDefinitions;
  readonly choices: readonly FileChoice[];
  /** The text of each node that is the same for everybody. */
  readonly texts: ReadonlyMap<string, string>;
  readonly hash: string;
  readonly documents: Map<string, EncodedDocument>;
}

/** `/object_info`: the nodes that containers reported last, with the caller's own files to choose from. Never wakes a container, but asks one for the next time. */
export function addObjectInfoRoutes(app: Api, context: ApiContext): void {
  let last: Known | null = null;
  const known = (): Known => {
    void context.refresh();
    const definitions = context.deployments.definitions();
    if (!definitions) throw nothingReported('nodes');
    return last?.definitions === definitions ? last : (last = read(definitions));
  };

  addNativeRoute(app, context, 'GET', '/object_info', async (call, request, reply) => {
    const nodes = known();
    const files = await filesOf(context, call, nodes.choices);
    return documentFor(nodes, files).send(request, reply);
  });

  addNativeRoute(app, context, 'GET', '/object_info/:node', async (call, request, reply) => {
    const { definitions, choices } = known();
    const name = parameter(request, 'node');
    const definition = definitionOf(definitions, name);
    const own = choices.filter(({ node }) => node === name);
    const offered = definition && offer(definition, own, await filesOf(context, call, own));
    return reply.type('application/json; charset=utf-8').send(exact(JSON.stringify(offered ? { [name]: offered } : {})));
  });
}

/** There is no list before the first container was ready; to say "none" would be wrong. */
export const nothingReported = (what: string): ComfleetError =>
  new ComfleetError('nothing_reported', `No container has been ready yet, so its ${what} are not known`);

function read(definitions: NodeDefinitions): Known {
  const choices = fileChoices(definitions);
  const changing = new Set(choices.map(({ node }) => node));
  const texts = new Map(
    Object.entries(definitions).flatMap(([name, definition]) =>
      changing.has(name) ? [] : [[name, `${JSON.stringify(name)}:${exact(JSON.stringify(definition))}`] as const],
    ),
  );
  const hash = createHash('sha256').update(JSON.stringify(definitions)).digest('hex');
  return { definitions, choices, texts, hash, documents: new Map() };
}

async function filesOf({ store }: ApiContext, { caller }: NativeCall, choices: readonly FileChoice[]): Promise<Files> {
  const names = async (type: FileChoice['folder']): Promise<string[]> =>
    choices.some(({ folder }) => folder === type) ? store.fileNames({ caller, type, subfolder: '' }) : [];
  const [input, output] = await Promise.all([names('input'), names('output')]);
  return { input, output };
}

function documentFor({ definitions, choices, texts, hash, documents }: Known, files: Files): EncodedDocument {
  const tag = createHash('sha256').update(hash).update(JSON.stringify(files)).digest('hex').slice(0, 32);
  const kept = documents.get(tag);
  documents.delete(tag);
  const document = kept ?? new EncodedDocument(`{${Object.entries(definitions).map(textOf).join(',')}}`, tag);
  documents.set(tag, document);
  const [oldest] = documents.keys();
  if (documents.size > keptDocuments && oldest !== undefined) documents.delete(oldest);
  return document;

  function textOf([name, definition]: [string, NodeDefinition]): string {
    const same = texts.get(name);
    if (same !== undefined) return same;
    const own = choices.filter(({ node }) => node === name);
    return `${JSON.stringify(name)}:${exact(JSON.stringify(offer(definition, own, files)))}`;
  }
}

const offer = (definition: NodeDefinition, choices: readonly FileChoice[], files: Files): NodeDefinition =>
  choices.reduce((offered, choice) => withFiles(offered, choice, files[choice.folder]), definition);

/**
 * The largest numbers of 64 bits, which limits of seeds are, as they were: JavaScript rounds them up, and a client that drew the
 * greatest seed of all would be refused by ComfyUI.
 */
const exact = (json: string): string =>
  json.replaceAll('18446744073709552000', '18446744073709551615').replaceAll('9223372036854776000', '9223372036854775807');
