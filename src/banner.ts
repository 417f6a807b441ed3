import { curlLine, type BannerInfo, type BannerRuntime } from './cli/banner.ts';
import type { Config } from './config/schema.ts';
import type { Deployments } from './deployments/deployments.ts';
import type { OpenedRuntime } from './runtimes/open.ts';
import type { Slot } from './fleet/container.ts';
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
  const standard = shown.find((deployment) => deployment.default);
  return {
    version: packageVersion,
    url,
    dashboard: `${url}/dashboard/`,
    dataDir: config.dataDir,
    runtime: runtimeOf(config, opened, slots),
    deployments: shown.map(({ name, default: isDefault, problems }) => ({
      name,
      default: isDefault,
      problems: problems.map(({ message }) => message),
    })),
    curl: standard ? curlLine(url, deployments.revision(standard).workflow.inputs) : null,
    notes,
  };
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
