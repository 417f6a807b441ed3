import { describe } from 'vitest';
import { createSystemClock } from '../../src/fleet/system-clock.ts';
import { PixelPool } from '../../src/emulator/pixels/pool.ts';
import { loadProfile } from '../../src/emulator/profile.ts';
import { startEmulatedServer, type EmulatedServer } from '../../src/emulator/server.ts';
import type { SupervisorClient } from '../../src/host/client.ts';
import { createRemoteRuntime } from '../../src/runtimes/remote.ts';
import type { Runtime } from '../../src/runtimes/runtime.ts';
import { createSupervisedRuntime } from '../../src/runtimes/supervised.ts';
import {
  connectSupervisor,
  cpuSlot,
  fakeLaunch,
  hurriedClock,
  instantLaunch,
  noPython,
  openWitness,
  temporaryFolder,
} from '../support/supervised.ts';
import { runtimeContract, type RuntimeUnderTest } from './runtime.ts';

async function emulated(): Promise<RuntimeUnderTest> {
  const folder = temporaryFolder();
  const { client } = await connectSupervisor(folder.path);
  const crash = async (url: string): Promise<void> => {
    const post = (path: string, body: unknown) => fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    await post('/emulator/faults', { crash: true });
    const prompt = {
      '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 0 } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    };
    await post('/prompt', { prompt }).catch(() => undefined);
  };
  const runtimeOver = (own: SupervisorClient): Runtime =>
    createSupervisedRuntime('emulated', { client: own, slots: [cpuSlot], launchOn: () => instantLaunch });
  return {
    runtime: runtimeOver(client),
    crash,
    again: async () => runtimeOver((await connectSupervisor(folder.path)).client),
    async dispose() {
      await client.close({ stopAll: true, graceMs: 0 });
      folder.remove();
    },
  };
}

async function processes(): Promise<RuntimeUnderTest> {
  const folder = temporaryFolder();
  const witness = await openWitness();
  const { client } = await connectSupervisor(folder.path);
  const runtimeOver = (own: SupervisorClient): Runtime =>
    createSupervisedRuntime('process', { client: own, slots: [cpuSlot], launchOn: () => fakeLaunch(witness) });
  return {
    runtime: runtimeOver(client),
    again: async () => runtimeOver((await connectSupervisor(folder.path)).client),
    async crash(url) {
      const living = witness.all.findLast(({ port }) => url.endsWith(`:${port}`))!;
      process.kill(living.pid, 'SIGKILL');
      await living.dead;
    },
    async dispose() {
      await client.close({ stopAll: true, graceMs: 0 });
      witness.close();
      folder.remove();
    },
  };
}

/** A server that somebody else runs. */
async function remote(): Promise<RuntimeUnderTest> {
  const folder = temporaryFolder();
  const pixels = new PixelPool({ threads: 1 });
  const open = (port: number): Promise<EmulatedServer> =>
    startEmulatedServer({ profile: loadProfile('instant'), clock: createSystemClock(), name: 'remote', folder: folder.path, pixels, port });
  let server = await open(0);
  const { url } = server;
  const port = Number(new URL(url).port);
  // Looks after its servers every 5 s, that is 50 ms here.
  const options = { urls: [url], clock: hurriedClock(100) };
  const runtime = createRemoteRuntime({ ...options, left: [] });
  return {
    runtime,
    crash: () => server.close(),
    async mend() {
      server = await open(port);
    },
    again: (left) => Promise.resolve(createRemoteRuntime({ ...options, left })),
    async dispose() {
      await server.close();
      await pixels.close();
      folder.remove();
    },
  };
}

runtimeContract('emulated', { phases: ['process'], owner: true, crashCode: 'crashed' }, emulated);
describe.skipIf(noPython)(`the process runtime${noPython ? ' (skipped: no python3)' : ''}`, () => {
  runtimeContract('process', { phases: ['process', 'imports', 'custom_nodes', 'probe'], owner: true, crashCode: 'crashed' }, processes);
});
runtimeContract('remote', { phases: ['probe'], owner: false, crashCode: 'unreachable' }, remote);
