import type { Json } from '../../comfyui/protocol.ts';
import type { Slot } from '../../fleet/container.ts';
import { isObject } from '../body.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { addNativeRoute } from './route.ts';

const memoryKeys = ['vram_total', 'vram_free', 'torch_vram_total', 'torch_vram_free'] as const;

/** `/system_stats` of the fleet: software as a container reported it last, devices as the runtime has them. */
export function addSystemStatsRoute(app: Api, context: ApiContext): void {
  addNativeRoute(app, context, 'GET', '/system_stats', () => {
    const reported = context.deployments.catalogue()?.stats;
    const stats = isObject(reported) ? reported : {};
    return { system: systemOf(context, isObject(stats['system']) ? stats['system'] : {}), devices: devicesOf(context, stats['devices']) };
  });
}

function systemOf({ version, fleet }: ApiContext, reported: Record<string, unknown>) {
  const text = (key: string): unknown => reported[key] ?? 'unknown';
  const { name, capacity, note } = fleet.runtime;
  return {
    os: text('os'),
    ram_total: reported['ram_total'] ?? 0,
    ram_free: reported['ram_free'] ?? 0,
    comfyui_version: text('comfyui_version'),
    required_frontend_version: text('required_frontend_version'),
    installed_templates_version: text('installed_templates_version'),
    required_templates_version: text('required_templates_version'),
    python_version: text('python_version'),
    pytorch_version: text('pytorch_version'),
    embedded_python: reported['embedded_python'] === true,
    // Arguments hold paths of the machine.
    argv: [],
    comfleet: { version, runtime: name, note, capacity, containers: fleet.containers().length },
  };
}

/** One for each device that has slots. Its memory is that of the device that was reported, where there was one: the fleet asks for no other. */
function devicesOf({ fleet }: ApiContext, reported: unknown): Json[] {
  const first: unknown = Array.isArray(reported) ? reported[0] : null;
  const memory = isObject(first) ? first : {};
  const slots = new Map<string, Slot[]>();
  for (const slot of fleet.slots()) {
    const key = `${slot.host} ${slot.device}`;
    slots.set(key, [...(slots.get(key) ?? []), slot]);
  }
  return [...slots.values()].map((shared, index): Json => {
    const [{ device, gpu } = { device: 'cpu', gpu: null }] = shared;
    // A profile that speaks of no GPU calls it `none`.
    const words = [device, gpu === 'none' ? null : (gpu ?? 'CPU'), fleet.runtime.name === 'emulated' ? '(emulated)' : null];
    const known = memoryKeys.map((key) => [key, typeof memory[key] === 'number' ? memory[key] : 0]);
    return {
      name: words.filter((word) => word !== null).join(' '),
      type: gpu === null ? 'cpu' : 'cuda',
      index,
      ...(Object.fromEntries(known) as Record<string, number>),
    };
  });
}
