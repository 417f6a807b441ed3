import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Complaints } from './complaints.ts';
import { fixMark } from './fields.ts';
import { gpuLimits, type FileValues } from './file.ts';
import { checkScaling, scalingFrom } from './scaling.ts';
import { isServerUrl, meantUrl } from './server-url.ts';
import type { Config, DeploymentConfig, InputConfig, NativeAllowance } from './schema.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';

/** Where paths lead to. */
export interface Place {
  readonly file: string | null;
  readonly cwd: string;
  /** Absolute path of a name in the file. */
  resolve(name: string): string;
}

/** The configuration from checked values; rules between values and the presence of files are checked here. */
export function configFrom(values: FileValues, place: Place, complaints: Complaints): Config {
  const { network, comfyui, workspace, retention } = values;
  if (comfyui.path !== undefined && comfyui.urls.length > 0) {
    complaints.at(['comfyui', 'urls'], 'comfyui.path is set too; keep the folder or the URLs');
  }
  if (comfyui.path !== undefined && (isServerUrl(comfyui.path) || meantUrl(comfyui.path) !== null)) {
    complaints.at(['comfyui', 'path'], `must be a folder, got ${JSON.stringify(comfyui.path)}${fixMark}urls: [http://gpu-box:8188]`);
  }
  const limit = workspace.gpu_limit;
  return {
    dataDir: place.resolve(values.data_dir ?? path.join(place.cwd, '.comfleet')),
    network: { host: network.host, port: network.port, hosts: network.hosts, allowPrivate: network.allow_private },
    runtime: values.runtime,
    comfyui: {
      path: comfyui.path === undefined ? null : place.resolve(comfyui.path),
      urls: comfyui.urls.map((url) => url.replace(/\/+$/, '')),
      python: comfyui.python === undefined ? null : program(comfyui.python, place),
      args: comfyui.args,
      cpu: comfyui.cpu,
    },
    profile: values.profile,
    capacity: values.capacity ?? null,
    workspace: { name: workspace.name, gpuLimit: typeof limit === 'string' ? gpuLimits[limit] : limit },
    gpus: Object.fromEntries(Object.entries(values.gpus).map(([model, { usd_per_hour: usdPerHour }]) => [model, { usdPerHour }])),
    page: { ...values.page, folder: values.page.folder === undefined ? null : place.resolve(values.page.folder) },
    retention: { jobsMs: retention.jobs, outputsMs: retention.outputs, uploadsMs: retention.uploads },
    shadow: { everyMs: values.shadow.every === 'off' ? null : values.shadow.every, windowMs: values.shadow.window },
    openGraphs: values.open_graphs ?? null,
    deployments: deploymentsFrom(values.deployments, place, complaints),
    file: place.file,
  };
}

/** A name without a slash is looked up in PATH by whoever runs it. */
const program = (name: string, place: Place): string => (name.includes('/') ? place.resolve(name) : name);

function allowanceFrom(text: string): NativeAllowance {
  const [path = '', method = 'GET'] = text.split(' ').reverse();
  return { method: method === 'POST' ? 'POST' : 'GET', path };
}

function deploymentsFrom(deployments: FileValues['deployments'], place: Place, complaints: Complaints): DeploymentConfig[] {
  const entries = Object.entries(deployments);
  const chosen = entries.filter(([, { default: isDefault, environment }]) => isDefault && environment === 'production');
  for (const [name, { default: isDefault, environment }] of entries) {
    if (isDefault && environment !== 'production') {
      complaints.at(['deployments', name, 'default'], `only a deployment of production can be the default, this one is of ${environment}`);
    }
  }
  for (const [name] of chosen.slice(1)) {
    complaints.at(['deployments', name, 'default'], `${chosen[0]?.[0]} is the default already; keep one of them`);
  }
  const first = chosen[0] ?? entries.find(([, { environment }]) => environment === 'production');
  return entries.map(([name, values]) => {
    const at = ['deployments', name];
    const file = (keys: string[], given: string): string => {
      const found = place.resolve(given);
      const missing = !existsSync(found) || !statSync(found).isFile();
      if (missing) complaints.at([...at, ...keys], `there is no file ${found}; put it there, or name one that is there`);
      return found;
    };
    const scaling = scalingFrom(values.scaling);
    for (const { key, message } of checkScaling({ ...defaultScaling, ...scaling })) complaints.at([...at, 'scaling', key], message);
    return {
      name,
      environment: values.environment,
      default: name === first?.[0],
      workflow: file(['workflow'], values.workflow),
      inputs: values.inputs === undefined ? null : inputsFrom(values.inputs, at, complaints),
      outputs: values.outputs?.map(String) ?? null,
      files: Object.fromEntries(Object.entries(values.files).map(([used, given]) => [used, file(['files', used], given)])),
      scaling,
      executionTimeoutMs: values.execution_timeout,
      native: { allow: values.native.allow.map(allowanceFrom) },
    };
  });
}

function inputsFrom(
  inputs: NonNullable<FileValues['deployments'][string]['inputs']>,
  at: readonly string[],
  complaints: Complaints,
): Record<string, InputConfig> {
  const entries = Object.entries(inputs).map(([name, input]): [string, InputConfig] => {
    const { min, max, type, choices } = input;
    if (min !== undefined && max !== undefined && min > max) {
      complaints.at([...at, 'inputs', name, 'min'], `${min} is more than max, which is ${max}`);
    }
    if (type === 'enum' && choices?.length === 0) complaints.at([...at, 'inputs', name, 'choices'], 'must name at least one value');
    return [name, { ...input, target: [input.target].flat() }];
  });
  return Object.fromEntries(entries);
}
