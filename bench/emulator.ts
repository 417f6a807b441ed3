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
  return {
    what: `${servers} servers in one process, memory of each after one request`,
    value: `${Math.round(((all - one) * 1_024) / (servers - 1))} KiB`,
    reference: `${Math.round(one)} MiB for a process with one`,
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
      return [await throughput(join(folder, 'one'), pixels), crowd];
    } finally {
      await pixels.close();
    }
  },
};
