import type { Json } from './protocol.ts';
import type { Catalogue, ModelFolder } from './runner.ts';

/** Reads a path of one server; null: it has no such route. */
export type ReadPath = (path: string) => Promise<Json>;

/** One list after the other, so that a server which has just become ready is not busy with them. */
export async function readCatalogue(read: ReadPath): Promise<Catalogue> {
  const pathsOf = new Map(objects(await read('/experiment/models')).map(({ name, folders }) => [name, texts(folders).length]));
  const models: ModelFolder[] = [];
  for (const folder of texts(await read('/models'))) {
    const name = encodeURIComponent(folder);
    const paths = pathsOf.get(folder);
    const details = paths === undefined ? null : await read(`/experiment/models/${name}`);
    models.push({
      folder,
      files: texts(await read(`/models/${name}`)),
      details: Array.isArray(details) ? details : null,
      paths: paths ?? 1,
    });
  }
  return {
    models,
    stats: await read('/system_stats'),
    features: await read('/features'),
    extensions: texts(await read('/extensions')),
    embeddings: texts(await read('/embeddings')),
  };
}

/** A foreign server may say anything: what is no list of texts is none. */
const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

const objects = (value: Json): Record<string, Json>[] =>
  Array.isArray(value)
    ? value.filter((item): item is Record<string, Json> => typeof item === 'object' && item !== null && !Array.isArray(item))
    : [];
