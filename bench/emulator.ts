import { join } from 'node:path';
import { PixelPool } from '../src/emulator/pixels/pool.ts';
import { loadProfile } from '../src/emulator/profile.ts';
import { startEmulatedServer, type EmulatedServer } from '../src/emulator/server.ts';
import { createSystemClock } from '../src/fleet/system-clock.ts';
import { temporaryFolder } from './lib/gateway.ts';
import { load } from './lib/load.ts';
import type { Bench, Figure } from './lib/report.ts';

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

async function many(folder: string, pixels: PixelPool): Promise<Figure> {
  const profile = loadProfile('instant');
  const before = process.memoryUsage().rss;
  const begun = performance.now();
  const started: EmulatedServer[] = [];
  for (let n = 0; n < servers; n++) {
    started.push(await startEmulatedServer({ profile, clock, name: `c${n}`, folder: join(folder, String(n)), pixels }));
  }
  const each = (performance.now() - begun) / servers;
  for (const { url } of started) await (await fetch(`${url}/system_stats`)).text();
  const memory = (process.memoryUsage().rss - before) / servers / 1_024;
  await Promise.all(started.map((server) => server.close()));
  return {
    what: `${servers} servers in one process`,
    value: `${each.toFixed(2)} ms to start each, ${Math.round(memory)} KiB each after one request`,
    reference: `${Math.round(before / 2 ** 20)} MiB of this process before`,
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
      const crowd = await many(folder, pixels);
      say(`${prompts} prompts`);
      return [await throughput(join(folder, 'one'), pixels), crowd];
    } finally {
      await pixels.close();
    }
  },
};
