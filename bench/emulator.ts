import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { PixelPool } from '../src/emulator/pixels/pool.ts';
import { loadProfile } from '../src/emulator/profile.ts';
import { startEmulatedServer } from '../src/emulator/server.ts';
import { createSystemClock } from '../src/fleet/system-clock.ts';
import { temporaryFolder } from './lib/gateway.ts';
import { load } from './lib/load.ts';
import { memoryOf } from './lib/processes.ts';
import { emulatedServers } from './lib/references.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median, quantile } from './lib/statistics.ts';

const prompts = 5_000;
const servers = 500;
const clock = createSystemClock();

/** Prompts through one server in this process; the CPU time is that of its thread alone, the client is a process of its own. */
async function throughput(folder: string, pixels: PixelPool): Promise<Figure> {
  const server = await startEmulatedServer({ profile: loadProfile('instant'), clock, name: 'bench', folder, pixels });
  const before = process.threadCpuUsage();
  const result = await load({ kind: 'direct', urls: [server.url], pacing: { clients: 16 }, jobs: prompts, prompts: null });
  const { user, system } = process.threadCpuUsage(before);
  await server.close();
  const cpu = (user + system) / 1_000 / prompts;
  return {
    what: 'EmptyImage 64 px to SaveImage: prompt, socket, history, file',
    value: `${Math.round(result.answers.length / result.seconds)}/s`,
    reference: `CPU time of the server's thread ${cpu.toFixed(2)} ms a prompt: ${Math.round(1_000 / cpu)}/s on a core of its own`,
    target: '',
    holds: null,
  };
}

/** Servers in a process of their own, beside one alone in another: memory that this process has used before would hide theirs. */
async function many(folder: string): Promise<Figure> {
  const memory = async (count: number): Promise<number> => {
    const started = await emulatedServers(join(folder, `of-${count}`), count);
    for (const url of started.urls) await (await fetch(`${url}/system_stats`)).text();
    const mib = await memoryOf([started.pid]);
    await started.stop();
    return mib;
  };
  const one = await memory(1);
  const all = await memory(servers);
  const each = Math.round(((all - one) * 1_024) / (servers - 1));
  return {
    what: `${servers} servers in one process, memory of each after one request`,
    value: `${each} KiB`,
    reference: `${Math.round(one)} MiB for a process with one`,
    target: '< 512 KiB',
    holds: each < 512,
  };
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

const show = (times: readonly number[]): string => `p50 ${median(times).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms`;

/** Starts of servers, one after the other, each beside that of a bare HTTP server. */
async function starts(folder: string, pixels: PixelPool): Promise<Figure> {
  const close: (() => Promise<unknown>)[] = [];
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let n = 0; n < servers; n++) {
    ours.push(
      await milliseconds(async () => {
        const options = { profile: loadProfile('instant'), clock, name: `start${n}`, folder: join(folder, `${n}`), pixels };
        const server = await startEmulatedServer(options);
        close.push(() => server.close());
      }),
    );
    bare.push(
      await milliseconds(async () => {
        const server = createServer();
        await once(server.listen(0, '127.0.0.1'), 'listening');
        close.push(() => once(server.close(), 'close'));
      }),
    );
  }
  await Promise.all(close.map((end) => end()));
  return {
    what: `start of a server, ${servers} in one process, from the call until it listens`,
    value: show(ours),
    reference: `a bare HTTP server: ${show(bare)}`,
    target: 'p50 < 2 ms',
    holds: median(ours) < 2,
  };
}

const looks = 300;

/** What a client of one server waits while another inverts large pictures, all in this process. */
async function neighbours(folder: string, pixels: PixelPool): Promise<Figure> {
  const start = (name: string) => startEmulatedServer({ profile: loadProfile('instant'), clock, name, folder: join(folder, name), pixels });
  const [calm, busy] = await Promise.all([start('calm'), start('busy')]);
  const look = async (): Promise<number[]> => {
    const times: number[] = [];
    for (let n = 0; n < looks; n++) times.push(await milliseconds(async () => (await fetch(`${calm.url}/queue`)).text()));
    return times;
  };
  await look();
  const alone = await look();
  for (let color = 0; color < 50; color++) {
    const prompt = {
      1: { class_type: 'EmptyImage', inputs: { width: 1024, height: 1024, batch_size: 4, color } },
      2: { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      3: { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
    };
    await (await fetch(`${busy.url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt }) })).text();
  }
  const beside = await look();
  await Promise.all([calm.close(), busy.close()]);
  return {
    what: 'GET /queue while another server of the process inverts and saves pictures of 1024 px',
    value: show(beside),
    reference: `nothing runs: ${show(alone)}`,
    target: '',
    holds: null,
  };
}

export const emulatorBench: Bench = {
  name: 'emulator',
  what: 'what emulated containers cost',
  async run({ say }) {
    const folder = temporaryFolder();
    const pixels = new PixelPool({ threads: 1 });
    try {
      say(`${servers} servers`);
      const crowd = await many(folder);
      say(`${prompts} prompts`);
      const work = await throughput(join(folder, 'one'), pixels);
      say('starts and neighbours');
      const begun = await starts(join(folder, 'starts'), pixels);
      return [work, begun, crowd, await neighbours(folder, pixels)];
    } finally {
      await pixels.close();
    }
  },
};
