import type { SupervisorClient } from '../host/client.ts';
import type { Launch } from '../host/protocol.ts';
import type { Slot } from '../fleet/container.ts';
import type { Runtime } from './runtime.ts';

export interface SupervisedOptions {
  readonly client: SupervisorClient;
  readonly slots: readonly Slot[];
  /** How a container on this slot is made. */
  readonly launchOn: (slot: Slot) => Launch;
}

/** Containers of this host's supervisor: emulated ones, or ComfyUI processes. */
export function createSupervisedRuntime(name: 'emulated' | 'process', { client, slots, launchOn }: SupervisedOptions): Runtime {
  return {
    name,
    slots: async () => slots,
    start: (spec) => client.start({ ...spec, slot: { ...spec.slot }, launch: launchOn(spec.slot) }),
    stop: ({ id, epoch, graceMs }) => client.stop(id, epoch, graceMs),
    list: () => client.list(),
    subscribe: (listener) => client.subscribe(listener),
    logs: (id, options) => client.logs(id, options),
    close: (options) => client.close(options),
  };
}
