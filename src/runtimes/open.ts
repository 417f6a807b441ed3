import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import type { NodeDefinitions } from '../comfyui/protocol.ts';
import type { Catalogue } from '../comfyui/runner.ts';
import type { Config } from '../config/schema.ts';
import { catalogueFor, definitionsFor, usualModels } from '../emulator/definitions.ts';
import { loadProfile, meansOf } from '../emulator/profile.ts';
import type { Clock } from '../fleet/clock.ts';
import type { ContainerRecord } from '../fleet/container.ts';
import { SupervisorClient } from '../host/client.ts';
import { checkComfyui, chooseRuntime, emulatedSlots, processSlots } from './detect.ts';
import { deviceOf, findGpus } from './devices.ts';
import { createRemoteRuntime } from './remote.ts';
import type { Prior, Runtime } from './runtime.ts';
import { createSupervisedRuntime } from './supervised.ts';

/** The banner does not wait longer for servers that do not answer. */
const askTimeoutMs = 3_000;

export interface OpenedRuntime {
  readonly runtime: Runtime;
  /** Node definitions as they are now, where no container is needed to tell them; null: nobody can tell. */
  readonly definitions: () => Promise<NodeDefinitions | null>;
  readonly catalogue: Catalogue | null;
  /** Is this file (`models/checkpoints/x.safetensors`) there? Null: nobody can tell before a container runs. */
  readonly files: ((path: string) => boolean) | null;
  /** What is known of jobs and starts before there was one. */
  readonly prior: Partial<Prior>;
  /** What users must know about it. */
  readonly note: string | null;
}

export interface OpenOptions {
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  /** Containers that, by the store, a former life of the gateway left alive. Supervisors know theirs themselves. */
  readonly left: readonly ContainerRecord[];
}

/** Opens the runtime that the configuration and the machine ask for. Errors: `comfyui_not_found`, `supervisor_failed`, `invalid_config`. */
export async function openRuntime(config: Config, { clock, report, left }: OpenOptions): Promise<OpenedRuntime> {
  const connect = (): Promise<SupervisorClient> => SupervisorClient.connect({ folder: config.dataDir, clock, report });
  switch (chooseRuntime(config)) {
    case 'remote': {
      const runtime = createRemoteRuntime({ urls: config.comfyui.urls, clock, left });
      return {
        runtime,
        definitions: () => firstDefinitions(config.comfyui.urls),
        catalogue: null,
        files: null,
        prior: {},
        note: 'these servers are never started or stopped by comfleet',
      };
    }
    case 'process': {
      const python = await checkComfyui(config.comfyui);
      const path = config.comfyui.path ?? '';
      const [client, gpus] = await Promise.all([connect(), config.comfyui.cpu ? [] : findGpus(python, process.env)]);
      const runtime = createSupervisedRuntime('process', {
        client,
        slots: processSlots(config.capacity, gpus),
        launchOn: (slot) => ({
          kind: 'process',
          path,
          python: python.program,
          args: [...config.comfyui.args],
          device: deviceOf(slot),
        }),
      });
      const note = "node packs run with this user's rights";
      const files = (file: string): boolean => existsSync(join(path, file));
      return { runtime, definitions: () => Promise.resolve(null), catalogue: null, files, prior: {}, note };
    }
    case 'emulated': {
      const profile = loadProfile(config.profile);
      const runtime = createSupervisedRuntime('emulated', {
        client: await connect(),
        slots: emulatedSlots(config.capacity, profile),
        launchOn: () => ({ kind: 'emulated', profile: config.profile }),
      });
      const note = `emulated containers: pictures are drawn by an emulator, with the timing of profile ${profile.name}`;
      const definitions = definitionsFor(usualModels);
      const catalogue = catalogueFor(usualModels, profile);
      return { runtime, definitions: () => Promise.resolve(definitions), catalogue, files: null, prior: meansOf(profile), note };
    }
  }
}

/** Node definitions of the first server that answers; null when none does. */
async function firstDefinitions(urls: readonly string[]): Promise<NodeDefinitions | null> {
  const asked = urls.map(async (url) => {
    const answer = await request(`${url}/object_info`, { signal: AbortSignal.timeout(askTimeoutMs) });
    const definitions = (await answer.body.json()) as NodeDefinitions;
    if (answer.statusCode !== 200) throw new Error(`/object_info answered ${answer.statusCode}`);
    return definitions;
  });
  return Promise.any(asked).catch(() => null);
}
