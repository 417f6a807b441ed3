import type { WorkflowInput } from '../deployments/workflow.ts';
import { plain, type Palette } from './terminal.ts';

/** What the app says about itself once it is ready. */
export interface BannerInfo {
  readonly version: string;
  /** `http://127.0.0.1:8288`, without a slash at the end. */
  readonly url: string;
  readonly dashboard: string;
  /** Leads to ComfyUI's own page; null when it is not served. */
  readonly comfyuiPage: string | null;
  readonly dataDir: string;
  readonly runtime: BannerRuntime;
  readonly deployments: readonly { readonly name: string; readonly default: boolean; readonly problems: readonly string[] }[];
  /** A line for the shell that makes a picture, of `curlLine`; null when no deployment can run. */
  readonly curl: string | null;
  readonly notes: readonly string[];
}

export type BannerRuntime = { readonly capacity: number } & (
  | { readonly name: 'emulated'; readonly profile: string; /** Whether a ComfyUI was looked for and not found. */ readonly chosen: boolean }
  | { readonly name: 'process'; readonly path: string; readonly device: string }
  | { readonly name: 'remote'; readonly urls: readonly string[] }
);

/** The first screen of `comfleet up`. */
export function bannerText(banner: BannerInfo, paint: Palette): string {
  const row = (label: string, text: string): string => `  ${paint.dim(label.padEnd(12))}${text}\n`;
  const { deployments, curl, notes } = banner;
  const problems = deployments.flatMap(({ name, problems }) =>
    problems.map((problem) => row('', paint.yellow(`${name}: ${plain(problem)}`))),
  );
  return [
    `\n  ${paint.bold('comfleet')} ${banner.version}\n\n`,
    row('gateway', paint.bold(banner.url)),
    row('dashboard', banner.dashboard),
    ...(banner.comfyuiPage === null ? [] : [row('ComfyUI', banner.comfyuiPage)]),
    row('runtime', runtimeText(banner.runtime)),
    row('data', banner.dataDir),
    row('deployments', deployments.map(deploymentText(paint)).join(', ') || 'none; make one with: comfleet deploy WORKFLOW.json'),
    ...problems,
    ...notes.map((note) => row('note', note)),
    curl === null ? '' : `\n  ${paint.dim('try')}  ${curl}\n`,
    `\n  ${paint.dim('Ctrl-C finishes running jobs and stops every container it started.')}\n`,
  ].join('');
}

const deploymentText =
  (paint: Palette) =>
  ({ name, default: isDefault, problems }: BannerInfo['deployments'][number]): string => {
    const mark = problems.length === 0 ? paint.green('●') : paint.red('✗');
    return `${mark} ${name}${isDefault ? ' (default)' : ''}`;
  };

/** The runtime in plain words. */
export function runtimeText(runtime: BannerRuntime): string {
  const fit = `${runtime.capacity} fit here`;
  switch (runtime.name) {
    case 'emulated':
      return `emulated containers: ${runtime.chosen ? '' : 'no ComfyUI was found, '}pictures are drawn by an emulator, timing ${runtime.profile}; ${fit}`;
    case 'process':
      return `ComfyUI processes from ${runtime.path} on ${runtime.device}; ${fit}; node packs run with this user's rights`;
    case 'remote':
      return `ComfyUI servers that run already: ${runtime.urls.join(', ')}; never started or stopped from here`;
  }
}

/** A curl line that works as it stands, but for the key where one is needed, from the inputs of the default deployment. */
export function curlLine(url: string, inputs: readonly WorkflowInput[], needsKey: boolean): string {
  const call = `curl -sL ${url}/${needsKey ? " -H 'authorization: Bearer YOUR_KEY'" : ''}`;
  const text = inputs.find(({ type, name }) => type === 'string' && name === 'prompt') ?? inputs.find(({ type }) => type === 'string');
  const needed = inputs.filter((input) => input === text || (input.required && input.random !== true));
  const files = needed.filter(({ type }) => type === 'image' || type === 'file');
  if (files.length > 0) {
    const parts = needed.map(
      (input) => `-F ${quote(files.includes(input) ? `${input.name}=@${input.name}.png` : `${input.name}=${String(sample(input))}`)}`,
    );
    return `${call} ${parts.join(' ')} -o result.png`;
  }
  const body = JSON.stringify(Object.fromEntries(needed.map((input) => [input.name, sample(input)])));
  return `${call} -d ${quote(body)} -H 'content-type: application/json' -o result.png`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function sample({ type, min, choices }: WorkflowInput): unknown {
  if (type === 'string') return 'a regal phoenix';
  if (type === 'enum') return choices?.[0] ?? '';
  return type === 'boolean' ? true : (min ?? 1);
}
