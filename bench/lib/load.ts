import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { launch } from '../../src/cli/child-processes.ts';

/** What a client does for one job. */
export type Kind =
  /** `POST /`, and waits for the bytes. */
  | 'simple'
  /** `POST /` with `Prefer: respond-async`: until the 202. */
  | 'accepted'
  /** ComfyUI's own API: prompt, socket, history, file. */
  | 'direct'
  /** The Comfy API v2: submit, ask until it is done, file. */
  | 'v2'
  /** `POST /` to a server that answers 202 and nothing more. */
  | 'bare';

export interface LoadSpec {
  readonly kind: Kind;
  /** Clients go round them. */
  readonly urls: readonly string[];
  /**
   * Closed: so many clients, each with its next job when its last one is answered. Open: jobs at a fixed rate or at these times, whatever
   * the answers do.
   */
  readonly pacing: { readonly clients: number } | { readonly perSecond: number } | { readonly atMs: readonly number[] };
  readonly jobs: number;
  /** No new jobs after so long. */
  readonly seconds?: number;
  /** The inputs of a job; null: another colour each. */
  readonly prompts: readonly string[] | null;
}

export interface LoadResult {
  /** Of answered jobs: since the first one began, and how long it took, ms. */
  readonly answers: readonly { readonly at: number; readonly ms: number }[];
  /** Reasons, and how often each. */
  readonly failures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Runs a load in a process of its own. */
export async function load(spec: LoadSpec): Promise<LoadResult> {
  const child = launch(process.execPath, [fileURLToPath(new URL('client.ts', import.meta.url)), JSON.stringify(spec)]);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const result = await text(child.stdout);
  if ((await exited) !== 0) throw new Error(`the client failed: ${child.errors()}`);
  return JSON.parse(result) as LoadResult;
}

export const failed = ({ failures }: LoadResult): number => Object.values(failures).reduce((sum, count) => sum + count, 0);

/** Failures in words. */
export const why = ({ failures }: LoadResult): string =>
  Object.entries(failures)
    .map(([reason, count]) => `${count} x ${reason}`)
    .join('; ');
