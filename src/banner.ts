import { curlLine, type BannerInfo, type BannerRuntime } from './cli/banner.ts';
import type { Config } from './config/schema.ts';
import type { Deployments } from './deployments/deployments.ts';
import type { OpenedRuntime } from './runtimes/open.ts';
import type { Slot } from './fleet/container.ts';
import { isLoopbackHost } from './loopback.ts';
import { packageVersion } from './version.ts';

export interface BannerParts {
  readonly config: Config;
  readonly url: string;
  readonly opened: OpenedRuntime;
  readonly deployments: Deployments;
  readonly slots: readonly Slot[];
  readonly notes: readonly string[];
}

/** What the app says about itself, from what it found. */
export function bannerOf({ config, url, opened, deployments, slots, notes }: BannerParts): BannerInfo {
  const shown = deployments.list().filter((deployment) => deployment.environment === 'production');
  const reachable = !isLoopbackHost(config.network.host);
  const standard = shown.find((deployment) => deployment.default);
  return {
    version: packageVersion,
    url,
    dashboard: `${url}/dashboard/`,
    comfyuiPage: config.page.folder === null && !config.page.container ? null : `${url}/page/`,
    dataDir: config.dataDir,
    runtime: runtimeOf(config, opened, slots),
    deployments: shown.map(({ name, default: isDefault, problems }) => ({
      name,
      default: isDefault,
      problems: problems.map(({ message }) => message),
    })),
    curl: standard ? curlLine(url, deployments.revision(standard).workflow.inputs, reachable) : null,
    notes: reachable ? [listening(config.network.host), ...notes] : notes,
  };
}

function listening(host: string): string {
  const where = host === '0.0.0.0' || host === '::' ? `every address of this machine (${host})` : host;
  return `it listens on ${where}: others reach it, so every call needs a key; make one with: comfleet keys create NAME`;
}

/** The banner does not wait longer for servers that do not answer. */
const askTimeoutMs = 3_000;

/** A note for each server that does not answer at the start. The gateway works without it, and takes it in when a job wants it. */
export async function silentServers({ comfyui }: Config): Promise<string[]> {
  const asked = comfyui.urls.map(async (url) => {
    const why = await silence(url);
    return why === null
      ? []
      : [`${url} ${why}: start ComfyUI there, or mend the URL. Until it answers, jobs wait; then it is taken in by itself.`];
  });
  return (await Promise.all(asked)).flat();
}

/** Null: it answers as ComfyUI does. */
async function silence(url: string): Promise<string | null> {
  try {
    const answer = await fetch(`${url}/system_stats`, { signal: AbortSignal.timeout(askTimeoutMs), redirect: 'manual' });
    await answer.body?.cancel();
    return answer.ok ? null : `answers ${answer.status} to /system_stats, which is not what ComfyUI does`;
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    return `does not answer (${name === 'TimeoutError' ? `nothing came within ${askTimeoutMs / 1000} s` : (cause?.code ?? message)})`;
  }
}

function runtimeOf(config: Config, { runtime }: OpenedRuntime, slots: readonly Slot[]): BannerRuntime {
  const capacity = slots.length;
  switch (runtime.name) {
    case 'emulated':
      return { name: 'emulated', capacity, profile: config.profile, chosen: config.runtime === 'emulated' };
    case 'process':
      return {
        name: 'process',
        capacity,
        path: config.comfyui.path ?? '',
        device: [...new Set(slots.map(({ gpu }) => gpu ?? 'the CPU'))].join(', '),
      };
    case 'remote':
      return { name: 'remote', capacity, urls: config.comfyui.urls };
  }
}
