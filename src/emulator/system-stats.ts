import type { Json } from '../comfyui/protocol.ts';
import type { Profile } from './profile.ts';

/** `/system_stats` of a container with this profile; `version` is ComfyUI's. */
export function systemStatsOf({ name, gpu }: Profile, version = '0.3.64'): Json {
  const memory = Math.round(gpu.memory_gib * 2 ** 30);
  const ram = 32 * 2 ** 30;
  const system = {
    os: version === '0.3.64' ? 'posix' : 'linux',
    ram_total: ram,
    ram_free: ram,
    comfyui_version: version,
    required_frontend_version: '1.27.10',
    installed_templates_version: '0.1.95',
    required_templates_version: '0.1.95',
    python_version: 'none (emulated)',
    pytorch_version: 'none (emulated)',
    embedded_python: false,
    argv: ['main.py', '--emulated'],
    comfleet: { emulated: true, profile: name },
  };
  const vram = { vram_total: memory, vram_free: memory, torch_vram_total: memory, torch_vram_free: memory };
  const device = ['cuda:0', ...(gpu.model === 'none' ? [] : [gpu.model]), '(emulated)'].join(' ');
  return { system, devices: [{ name: device, type: 'cuda', index: 0, ...vram }] };
}
