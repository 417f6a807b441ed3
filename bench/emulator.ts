import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { WebSocket } from 'ws';
import { PixelPool } from '../src/emulator/pixels/pool.ts';
import { loadProfile } from '../src/emulator/profile.ts';
import { startEmulatedServer } from '../src/emulator/server.ts';
import type { EmulatedServer } from '../src/emulator/server.ts';
import { createSystemClock } from '../src/fleet/system-clock.ts';

/**
 * What emulated containers cost: prompts per second through one server over HTTP and WebSocket (the client runs in a thread of its
 * own; the CPU time is the server's thread alone), and time and memory of many servers. Run: `node bench/emulator.ts`.
 */

const prompts = 10_000;
const servers = 500;
const clock = createSystemClock();

const graph = (color: number): object => ({
  1: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'bench' } },
});

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

async function call(url: string, body?: object): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method: body ? 'POST' : 'GET' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks)));
    });
    outgoing.on('error', reject);
    outgoing.end(body ? JSON.stringify(body) : undefined);
  });
}

/** Submits, waits for the end on the socket, reads history and the file; 16 at a time. Answers the seconds it took. */
async function drive(url: string, count: number): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?clientId=bench`);
  const waiting = new Map<string, () => void>();
  socket.on('message', (data: Buffer) => {
    const text = data.toString();
    if (!text.startsWith('{"type":"executing","data":{"node":null')) return;
    const { prompt_id } = (JSON.parse(text) as { data: { prompt_id: string } }).data;
    waiting.get(prompt_id)?.();
  });
  await new Promise((resolve) => socket.on('open', resolve));
  let next = 0;
  const begun = performance.now();
  const one = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const prompt_id = `p${index}`;
      const done = new Promise<void>((resolve) => waiting.set(prompt_id, resolve));
      await call(`${url}/prompt`, { prompt: graph(index), client_id: 'bench', prompt_id });
      await done;
      waiting.delete(prompt_id);
      const history = JSON.parse((await call(`${url}/history/${prompt_id}`)).toString()) as Record<
        string,
        { outputs: { 2: { images: { filename: string }[] } } }
      >;
      const file = history[prompt_id]?.outputs[2].images[0]?.filename;
      if ((await call(`${url}/view?filename=${file}`)).length < 100) throw new Error('no picture');
    }
  };
  await Promise.all(Array.from({ length: 16 }, one));
  socket.close();
  agent.destroy();
  return (performance.now() - begun) / 1000;
}

async function throughput(folder: string, pixels: PixelPool): Promise<void> {
  const server = await startEmulatedServer({ profile: loadProfile('instant'), clock, name: 'bench', folder, pixels });
  const client = new Worker(new URL(import.meta.url), { workerData: { url: server.url, prompts } });
  const before = process.threadCpuUsage();
  const seconds = await new Promise<number>((resolve, reject) => client.on('message', resolve).on('error', reject));
  const { user, system } = process.threadCpuUsage(before);
  await server.close();
  const cpu = (user + system) / 1000 / prompts;
  console.log(`EmptyImage 64 px -> SaveImage, submit + socket + history + view: ${Math.round(prompts / seconds)} prompts/s`);
  console.log(
    `CPU time of the server's thread: ${cpu.toFixed(2)} ms a prompt, so ${Math.round(1000 / cpu)} prompts/s on a core of its own`,
  );
}

async function many(folder: string, pixels: PixelPool): Promise<void> {
  const profile = loadProfile('instant');
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const begun = performance.now();
  const started: EmulatedServer[] = [];
  for (let i = 0; i < servers; i++) {
    started.push(await startEmulatedServer({ profile, clock, name: `c${i}`, folder: join(folder, String(i)), pixels }));
  }
  const each = (performance.now() - begun) / servers;
  for (const { url } of started) await call(`${url}/system_stats`);
  const memory = (process.memoryUsage().rss - before) / servers / 1024;
  console.log(`${servers} servers: ${each.toFixed(2)} ms to start each, ${Math.round(memory)} kB of memory each after one request`);
  agent.destroy();
  await Promise.all(started.map((server) => server.close()));
}

if (isMainThread) {
  const folder = mkdtempSync(join(tmpdir(), 'comfleet-bench-'));
  const pixels = new PixelPool({ threads: 2 });
  await many(folder, pixels);
  await throughput(join(folder, 'one'), pixels);
  await pixels.close();
  rmSync(folder, { recursive: true });
} else {
  const { url, prompts } = workerData as { url: string; prompts: number };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
  parentPort?.postMessage(await drive(url, prompts));
}
