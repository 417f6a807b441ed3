import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { startEmulatedServer, type EmulatedServer } from '../../src/emulator/server.ts';
import { createSystemClock } from '../../src/fleet/system-clock.ts';
import { Caller, isPng } from './caller.ts';
import { Program } from './program.ts';

/** `comfleet up --comfyui URL`: ComfyUI servers that somebody else runs. Here an emulated one stands in for them. */

const folder = mkdtempSync(join(tmpdir(), 'comfleet-remote-'));
const pixels = new PixelPool({ threads: 1 });
const open = (port: number): Promise<EmulatedServer> =>
  startEmulatedServer({ profile: loadProfile('instant'), clock: createSystemClock(), name: 'remote', folder, pixels, port });

afterAll(async () => {
  await pixels.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A port on which nobody listens now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('a server that is down at the start is named, and taken in when it comes up', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = await Program.up({ config: { runtime: 'auto' }, flags: ['--comfyui', url] });
  let server: EmulatedServer | null = null;
  try {
    expect(program.ready.runtime).toBe('remote');
    expect(program.ready.notes).toEqual([expect.stringContaining(`${url} does not answer (ECONNREFUSED): start ComfyUI there`)]);
    const caller = new Caller(program);
    const id = await caller.submit({ prompt: 'later' });
    expect((await caller.when(id, ({ waiting_for }) => /next try to start/.test(String(waiting_for)))).state).toBe('queued');
    server = await open(port);
    expect(await caller.ended(id)).toMatchObject({ state: 'succeeded', lost_containers: 0 });
    // Its GPU could not be asked for at the start.
    expect(await caller.containers()).toMatchObject([{ device: url, gpu: expect.any(String), share: 1 }]);
    const answer = await caller.ask('POST', '/', { body: { prompt: 'now' } });
    expect([answer.status, isPng(answer.body)]).toEqual([200, true]);
  } finally {
    await program.remove();
    await server?.close();
  }
});

test('one that answers is not', async () => {
  const server = await open(0);
  const program = await Program.up({ config: { runtime: 'auto' }, flags: ['--comfyui', server.url] });
  try {
    expect(program.ready.notes).toEqual([]);
  } finally {
    await program.remove();
    await server.close();
  }
});

test('of two servers the one that answers serves, whichever is named first', async () => {
  const down = `http://127.0.0.1:${await freePort()}`;
  const server = await open(0);
  const program = await Program.up({ config: { runtime: 'auto' }, flags: ['--comfyui', `${down},${server.url}`] });
  try {
    const caller = new Caller(program);
    const id = await caller.submit({ prompt: 'x' });
    const job = await caller.ended(id);
    expect(job.state).toBe('succeeded');
    expect((await caller.containers()).map(({ device }) => device as string)).toEqual([server.url]);
  } finally {
    await program.remove();
    await server.close();
  }
});
