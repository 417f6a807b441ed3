import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { createMemoryAssets } from '../../src/assets/memory.ts';
import { fleetTopic } from '../../src/bus/events.ts';
import { createBus } from '../../src/bus/memory.ts';
import { createPromptRunner } from '../../src/comfyui/client.ts';
import { createDeployments } from '../../src/deployments/registry.ts';
import { readWorkflow } from '../../src/deployments/read-workflow.ts';
import type { PixelPool } from '../../src/emulator/pixels/pool.ts';
import type { EmulatedServer, EmulatedServerOptions } from '../../src/emulator/server.ts';
import { startEmulatedServer } from '../../src/emulator/server.ts';
import type { Clock } from '../../src/fleet/clock.ts';
import { Controller } from '../../src/fleet/controller.ts';
import { createFleetView } from '../../src/fleet/fleet-view.ts';
import { recover } from '../../src/fleet/recovery.ts';
import { Slots } from '../../src/fleet/slots.ts';
import { createSystemClock, createSystemRandom } from '../../src/fleet/system-clock.ts';
import { Attempts } from '../../src/jobs/attempts.ts';
import { createJobs, type JobsService } from '../../src/jobs/service.ts';
import type { Runtime, RuntimeEvent, RunningContainer, StartSpec } from '../../src/runtimes/runtime.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createApiWorld, type WorldOptions } from '../support/api.ts';

export interface GatewayOptions extends Pick<WorldOptions, 'config' | 'limits'> {
  readonly pixels: PixelPool;
  readonly profile: EmulatedServerOptions['profile'];
  /** The containers'; the gateway has the system's. */
  readonly clock: Clock;
  readonly folder: string;
  readonly models?: EmulatedServerOptions['models'];
  readonly flags?: readonly string[];
  /** So many are ready, and no more are started. */
  readonly containers: number;
}

/** Emulated containers of this process, for a controller. */
class LocalRuntime implements Runtime {
  readonly name = 'emulated' as const;
  readonly servers = new Map<string, { spec: StartSpec; server: EmulatedServer; startedAt: number }>();
  readonly #options: GatewayOptions;
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  slots: Runtime['slots'] = async () => Array.from({ length: 8 }, (_, n) => ({ host: 'here', device: `gpu${n}`, gpu: 'A10G', share: 1 }));

  start: Runtime['start'] = async (spec) => {
    const { pixels, profile, clock, folder, models, flags } = this.#options;
    const server = await startEmulatedServer({
      pixels,
      profile,
      clock,
      name: spec.id,
      folder: join(folder, spec.id),
      ...(models && { models }),
      ...(flags && { flags }),
      onCrash: () => {
        this.servers.delete(spec.id);
        this.#tell({ type: 'exited', id: spec.id, at: Date.now(), code: 'crashed', message: 'it was told to crash' });
      },
    });
    this.servers.set(spec.id, { spec, server, startedAt: Date.now() });
    this.#tell({ type: 'ready', id: spec.id, endpoint: { url: server.url }, at: Date.now() });
  };

  stop: Runtime['stop'] = async ({ id }) => {
    await this.servers.get(id)?.server.close();
    this.servers.delete(id);
  };

  list: Runtime['list'] = async () =>
    [...this.servers.values()].map(({ spec, server, startedAt }): RunningContainer => ({
      ...spec,
      state: 'ready',
      endpoint: { url: server.url },
      startedAt,
      readyAt: startedAt,
    }));

  subscribe: Runtime['subscribe'] = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async *logs(): AsyncIterable<never> {}

  close: Runtime['close'] = async () => {
    await Promise.all([...this.servers.keys()].map((id) => this.stop({ id, epoch: 0, graceMs: 0 })));
  };

  #tell(event: RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

const workflow = {
  1: { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'ComfyUI' } },
};

export type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** The whole gateway with emulated containers behind it, in one process: all that is live, on memory. */
export async function startGateway(options: GatewayOptions) {
  const clock = createSystemClock();
  const random = createSystemRandom(clock);
  const log = pino({ level: 'silent' });
  const store = createMemoryStore();
  const assets = createMemoryAssets(clock);
  const bus = createBus(clock, { kept: [fleetTopic], ring: 1_000 });
  const runtime = new LocalRuntime(options);
  const deployments = createDeployments({ store, clock, workspace: 'local' });
  await deployments.load();
  const { containers } = options;
  const read = readWorkflow({ graph: workflow, inputs: null, outputs: null, files: [] }, null);
  const scaling = { minContainers: containers, maxContainers: containers };
  await deployments.deploy({ name: 'draw', workflow: read, default: true, scaling });
  const runner = createPromptRunner({ assets, clock, random });
  const attempts = new Attempts({ store, assets, bus, clock, runner, log });
  const jobs: JobsService = createJobs({
    store,
    clock,
    random,
    admit: () => undefined,
    accept: (job) => controller.accept(job),
    canceled: (job) => controller.canceled(job),
  });
  const parts = {
    store,
    bus,
    clock,
    random,
    runtime,
    runner,
    attempts,
    deployments,
    log,
    gpuLimit: null,
    priceOf: () => 1,
    prior: {},
    definitions: () => Promise.resolve(null),
  };
  const controller: Controller = new Controller({ ...parts, onEnded: (job) => jobs.ended(job) }, new Slots(await runtime.slots()));
  const learnt = Promise.all([
    new Promise<void>((resolve) => {
      const learn = deployments.learnDefinitions.bind(deployments);
      deployments.learnDefinitions = (definitions) => learn(definitions).then(resolve);
    }),
    new Promise<void>((resolve) => {
      const learn = deployments.learnCatalogue.bind(deployments);
      deployments.learnCatalogue = (catalogue) => learn(catalogue).then(resolve);
    }),
  ]);
  const { config, limits } = options;
  const world = await createApiWorld({
    ...(config && { config }),
    ...(limits && { limits }),
    change: () => ({
      clock,
      random,
      store,
      assets,
      bus,
      jobs,
      deployments,
      containers: runner,
      fleet: createFleetView(controller, { name: 'emulated', capacity: 8, ready: true, note: '' }, clock),
    }),
  });
  await controller.takeLease('test');
  await recover({ store, runtime, attempts, jobs, clock }, controller);
  controller.start();
  await learnt;
  while (controller.containers.all().filter(({ state }) => state === 'ready').length < containers) await new Promise(setImmediate);
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${(world.app.server.address() as AddressInfo).port}`,
    store,
    jobs,
    bus,
    runtime,
    controller,
    assets,
    world,
    async close(): Promise<void> {
      await world.app.close();
      await runtime.close({ stopAll: true, graceMs: 0 });
      await controller.close();
      runner.close();
      await store.close();
    },
  };
}
