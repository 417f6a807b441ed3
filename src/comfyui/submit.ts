import { basename } from 'node:path/posix';
import type { Assets } from '../assets/assets.ts';
import type { Connection } from './connection.ts';
import { prepareGraph } from './prepare.ts';
import type { Graph } from './protocol.ts';
import { refusalOf } from './results.ts';
import type { InputFile, Prompt, PromptResult } from './runner.ts';

/**
 * Uploads what the container lacks and submits the prompt; null when it was taken, else its result. A refusal may be for uploads
 * that are gone since they were made, so they are made again, once.
 */
export async function submitPrompt(
  connection: Connection,
  assets: Assets,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<PromptResult | null> {
  const wereThere = prompt.files.some((file) => connection.uploads.has(uploadKey(file)));
  const graph = await stage(connection, assets, prompt);
  if (signal.aborted) return { kind: 'interrupted' };
  const { clientId } = connection;
  const refusal = await connection.http.submit({ promptId: prompt.id, clientId, graph, client: prompt.client });
  if (refusal === null) return null;
  if (!wereThere) return refusalOf(refusal.refused);
  for (const file of prompt.files) connection.uploads.delete(uploadKey(file));
  return submitPrompt(connection, assets, prompt, signal);
}

async function stage(connection: Connection, assets: Assets, prompt: Prompt): Promise<Graph> {
  const uploads = await Promise.all(prompt.files.map(async (file) => ({ file, as: await upload(connection, assets, file) })));
  return prepareGraph(prompt.graph, prompt.prefix, uploads);
}

/** The container's name for an asset, which is uploaded if it is not there yet. */
function upload(connection: Connection, assets: Assets, file: InputFile): Promise<string> {
  const key = uploadKey(file);
  const known = connection.uploads.get(key);
  if (known) return known;
  const { asset } = file;
  // A graph may say `x.png [output]`: what is uploaded is an input, and its name must not say otherwise.
  const name = basename(file.name.replaceAll('\\', '/')).replace(/.\[(?:input|output|temp)\]$/, '');
  const uploading = assets.read(asset).then(({ stream, bytes }) => connection.http.upload({ asset, name, bytes, stream }));
  connection.uploads.set(key, uploading);
  uploading.catch(() => connection.uploads.delete(key));
  return uploading;
}

const uploadKey = ({ asset, name }: InputFile): string => `${asset} ${name}`;
