import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { startEmulatedServer } from '../../src/emulator/server.ts';
import { createSystemClock } from '../../src/fleet/system-clock.ts';

const fixtures = new URL('../end-to-end/fixtures/', import.meta.url);

/** A ComfyUI server that somebody else runs; a sampler's step takes 10 ms there. */
export interface ForeignServer {
  readonly url: string;
  /** Ids of the prompts that run and that wait. */
  queue(): Promise<{ running: string[]; pending: string[] }>;
  /** Ids of the prompts that have ended. */
  history(): Promise<string[]>;
  /** Somebody else's prompt, which takes a minute and a half. */
  occupy(): Promise<string>;
  /** Ends what runs. */
  interrupt(): Promise<void>;
  close(): Promise<void>;
}

export async function startForeignServer(port?: number): Promise<ForeignServer> {
  const folder = mkdtempSync(join(tmpdir(), 'comfleet-foreign-'));
  const pixels = new PixelPool({ threads: 1 });
  const profile = loadProfile(fileURLToPath(new URL('steps.json', fixtures)));
  const server = await startEmulatedServer({
    profile,
    clock: createSystemClock(),
    name: 'foreign',
    folder,
    pixels,
    ...(port === undefined ? {} : { port }),
  });
  const { url } = server;
  const get = async (path: string): Promise<object> => (await (await fetch(`${url}${path}`)).json()) as object;
  const post = (path: string, body: unknown): Promise<Response> => fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return {
    url,
    async queue() {
      const items = (await get('/queue')) as Record<string, [number, string][]>;
      const idsOf = (name: string): string[] => items[name]!.map(([, id]) => id);
      return { running: idsOf('queue_running'), pending: idsOf('queue_pending') };
    },
    history: async () => Object.keys(await get('/history')),
    async occupy() {
      const graph = JSON.parse(readFileSync(new URL('draw.json', fixtures), 'utf8')) as Record<string, { inputs: Record<string, unknown> }>;
      graph['5']!.inputs['steps'] = 9_000;
      return ((await (await post('/prompt', { prompt: graph })).json()) as { prompt_id: string }).prompt_id;
    },
    async interrupt() {
      await post('/interrupt', {});
    },
    async close() {
      await server.close();
      await pixels.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
