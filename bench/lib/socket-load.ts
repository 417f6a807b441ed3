import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { launch } from '../../src/cli/child-processes.ts';

export interface SocketLoadSpec {
  /** Clients go round them. */
  readonly urls: readonly string[];
  /** Each with a client id and a socket of its own; they take turns. */
  readonly clients: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** Of each prompt. */
  readonly previews: number;
  readonly previewBytes: number;
  /** One more client, whose prompts send large texts: it reads them, or nothing at all. Null: there is none. */
  readonly loud: { readonly reads: boolean; readonly perSecond: number; readonly textBytes: number } | null;
}

export interface SocketLoadResult {
  /** Milliseconds from the container's sending until the client has read, of all messages of the clients' own prompts. */
  readonly previews: readonly number[];
  /** What tells of steps, nodes and outputs. */
  readonly steps: readonly number[];
  /** How the prompts ended. */
  readonly ends: readonly number[];
  readonly prompts: number;
  /** Whose last message never came. */
  readonly unended: number;
  /** Reasons, and how often each. */
  readonly failures: Readonly<Record<string, number>>;
  /** Sockets that were open to the end. */
  readonly open: number;
  /** Seconds from the loud client's first prompt until it was cut off; null: it was not. */
  readonly cutOffSeconds: number | null;
}

/** Runs a load over sockets in a process of its own. */
export async function socketLoad(spec: SocketLoadSpec): Promise<SocketLoadResult> {
  const child = launch(process.execPath, [fileURLToPath(new URL('socket-client.ts', import.meta.url)), JSON.stringify(spec)]);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const result = await text(child.stdout);
  if ((await exited) !== 0) throw new Error(`the clients failed: ${child.errors()}`);
  return JSON.parse(result) as SocketLoadResult;
}
