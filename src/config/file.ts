import { z } from 'zod';
import { amount, duration, either, fixMark, flag, list, named, oneOf, pattern, section, text, whole } from './fields.ts';
import { scalingSection } from './scaling.ts';
import { isAddressBlock } from './schema.ts';
import { isServerUrl } from './server-url.ts';

/** The schema of `comfleet.yaml`: the one source of its check, of `comfleet.schema.json` and of the defaults. */

/** Names of deployments, environments, workspaces: they stand in URLs. */
export const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const nameWords = 'lower-case letters, digits and dashes, at most 63';
const name = (example: string) => pattern(example, `a name of ${nameWords}`, namePattern);

const cidr = pattern('allow_private: [10.0.0.0/8]', 'an address block', /^[0-9a-fA-F.:]+\/\d{1,3}$/).refine(isAddressBlock, {
  error: ({ input }) => `must be an address block, got ${JSON.stringify(input)}${fixMark}allow_private: [10.0.0.0/8]`,
});
const serverUrl = pattern('urls: [http://gpu-box:8188]', 'the http(s) URL of a ComfyUI server', /^https?:\/\/[^\s/]+/i).refine(
  isServerUrl,
  {
    error: ({ input }) => `must be the http(s) URL of a ComfyUI server, got ${JSON.stringify(input)}${fixMark}urls: [http://gpu-box:8188]`,
  },
);
const target = pattern('target: "6.text"', 'NODE.FIELD', /^[^.\s]+\.\S+$/);

const allowance = pattern(
  'allow: [/pysssss, "POST /pysssss/metadata"]',
  'a path, or POST and a path',
  /^(?:(?:GET|POST) )?(?:\/[A-Za-z0-9_-][\w.-]*)+$/,
);

/** Presets of `workspace.gpu_limit`; null: no limit. */
export const gpuLimits = { starter: 10, team: 30, enterprise: null, none: null } as const;

const network = section('network: {port: 8288}', {
  host: text('host: 127.0.0.1', 'an address')
    .default('127.0.0.1')
    .describe(
      'Address to listen on. On a loopback one, programs on this machine need no key; any other needs one: `comfleet keys create`.',
    ),
  port: whole('port: 8288', 0, 65_535).default(8288).describe('Port of gateway and dashboard; 0 takes any free one.'),
  hosts: list('hosts: [fleet.example.org]', text('hosts: [fleet.example.org]', 'a host name'))
    .default([])
    .describe('Host names, beside loopback, under which the gateway may be called.'),
  allow_private: list('allow_private: [10.0.0.0/8]', cidr)
    .default([])
    .describe('Private address blocks that URLs of inputs and webhooks may reach.'),
});

const comfyui = section('comfyui: {path: ~/ComfyUI}', {
  path: text('path: ~/ComfyUI', 'a folder').exactOptional().describe('Folder of ComfyUI, the one with main.py; relative to this file.'),
  urls: list('urls: [http://gpu-box:8188]', serverUrl).default([]).describe('ComfyUI servers that already run; never started or stopped.'),
  python: text('python: ~/ComfyUI/.venv/bin/python', 'a program')
    .exactOptional()
    .describe("Python that runs ComfyUI; else the folder's own virtual environment, else python3."),
  args: list('args: [--fast]', text('args: [--fast]')).default([]).describe('Further arguments of main.py.'),
  cpu: flag('cpu: true').default(false).describe('True: run ComfyUI without a GPU.'),
});

const workspace = section('workspace: {gpu_limit: starter}', {
  name: name('name: local').default('local').describe('Name of the team.'),
  gpu_limit: either('gpu_limit: 10', 'a number of GPUs above 0, or starter (10), team (30), enterprise or none', [
    amount('gpu_limit: 10', 0.01),
    oneOf('gpu_limit: none', ['starter', 'team', 'enterprise', 'none']),
  ])
    .default('none')
    .describe('GPUs that all containers may use at once. starter is 10, team 30, enterprise and none have no limit.'),
});

const retention = section('retention: {outputs: 7d}', {
  jobs: duration('jobs: 30d', 1_000)
    .prefault('30d')
    .describe('Finished jobs, decisions and stopped containers are forgotten after so long.'),
  outputs: duration('outputs: 7d', 1_000)
    .prefault('7d')
    .describe('Output files go so long after their job finished, and ten minutes after they were stored at the earliest.'),
  uploads: duration('uploads: 1d', 1_000).prefault('1d').describe('Uploaded files go so long after they were last used.'),
});

const shadow = section('shadow: {every: 5m}', {
  every: either('every: 5m', 'a duration of at least 1s, or off', [duration('every: 5m', 1_000), oneOf('every: off', ['off'])])
    .prefault('5m')
    .describe(
      'How often what came to each deployment is replayed with other settings, on a thread that lets everything else go first; or off.',
    ),
  window: duration('window: 24h', 60_000).prefault('24h').describe('How far back a replay looks; 50,000 jobs at most.'),
});

const input = section('prompt: {target: "6.text"}', {
  target: either('target: "6.text"', 'NODE.FIELD, or a list of them', [
    target,
    list('target: ["6.text"]', target).min(1, `must name a field${fixMark}target: "6.text"`),
  ]).describe('Where the value goes: `node.field`, or several.'),
  type: oneOf('type: string', ['string', 'int', 'float', 'boolean', 'enum', 'image', 'file'])
    .exactOptional()
    .describe('Type of the value; taken from the node definition when not given.'),
  description: text('description: What the picture shows').exactOptional().describe('Shown to callers.'),
  required: flag('required: true').exactOptional().describe('True: a request without it is refused.'),
  default: z.unknown().exactOptional().describe("Value when none is given; the graph's own when not set here."),
  min: amount('min: 1', -Number.MAX_VALUE).exactOptional().describe('Smallest number.'),
  max: amount('max: 50', -Number.MAX_VALUE).exactOptional().describe('Largest number.'),
  step: amount('step: 8', 0)
    .exactOptional()
    .describe('Distance between the numbers that a form offers. As in ComfyUI, a request may give others.'),
  choices: list('choices: [small, large]', z.unknown()).exactOptional().describe('Allowed values of an enum.'),
  random: flag('random: true').exactOptional().describe('True: a random value is drawn for each job that gives none (seeds).'),
});

const deployment = section('collage: {workflow: collage.json}', {
  workflow: text('workflow: collage.json', 'a file').describe(
    'The graph, exported from ComfyUI with "Export (API)"; relative to this file.',
  ),
  environment: name('environment: production').default('production').describe('Where the deployment lives.'),
  default: flag('default: true').default(false).describe('True: it serves `POST /`. The first deployment does when none says so.'),
  inputs: named('prompt: {target: "6.text"}', 'letters, digits, dashes and underscores', /^[A-Za-z_][\w-]*$/, input)
    .exactOptional()
    .describe('Named inputs of the workflow; found in the graph when not given.'),
  outputs: list(
    'outputs: ["9"]',
    either('outputs: ["9"]', 'the id of a node', [
      text('outputs: ["9"]', 'the id of a node'),
      whole('outputs: ["9"]', 0, Number.MAX_SAFE_INTEGER),
    ]),
  )
    .exactOptional()
    .describe('Ids of the nodes whose results are the outputs, in order; every output node when not given.'),
  files: named(
    'background.png: background.png',
    'the name that the graph uses',
    /^[^/\\]+$/,
    text('background.png: background.png', 'a file'),
  )
    .prefault({})
    .describe('Files that ship with the workflow, by the name that the graph uses; relative to this file.'),
  scaling: scalingSection.prefault({}).describe('How many containers there are, and when.'),
  native: section('native: {allow: [/pysssss]}', {
    allow: list('allow: [/pysssss]', allowance)
      .default([])
      .describe('Routes of node packs that pass to a ready container: a path, with all below it. Reads only; `POST /path` for writes.'),
  })
    .prefault({})
    .describe('The ComfyUI API of this deployment.'),
  execution_timeout: duration('execution_timeout: 10m', 1_000)
    .prefault('10m')
    .describe('A running attempt is stopped after so long and fails with code `timeout`.'),
});

const price = section('A10G: {usd_per_hour: 1.10}', {
  usd_per_hour: amount('usd_per_hour: 1.10', 0).describe('Price of one GPU of this model for an hour, in US dollars.'),
});

const page = section('page: {folder: ~/comfyui-frontend}', {
  folder: text('folder: ~/comfyui-frontend', 'a folder')
    .exactOptional()
    .describe(
      "Files of ComfyUI's own page, as `pip install --target FOLDER comfyui-frontend-package` makes them. Without it there is no such page.",
    ),
  container: flag('container: true')
    .default(false)
    .describe('True: what the folder lacks comes from a ready container, scripts of its node packs included.'),
  port: whole('port: 8289', 0, 65_535).default(8289).describe('Port of that page; 0 takes any free one.'),
});

export const fileSchema = section('runtime: auto', {
  data_dir: text('data_dir: .comfleet', 'a folder')
    .exactOptional()
    .describe('Holds database, assets, logs and the supervisor; relative to this file. `.comfleet` in the working folder when not given.'),
  network: network.prefault({}).describe('Where the gateway listens, and what it may reach.'),
  runtime: oneOf('runtime: auto', ['auto', 'emulated', 'process', 'remote'])
    .default('auto')
    .describe('What starts containers. auto: remote with `comfyui.urls`, process with `comfyui.path`, else emulated.'),
  comfyui: comfyui.prefault({}).describe('The ComfyUI that containers run.'),
  profile: text('profile: a10g-collage', 'the name of a timing profile').default('a10g-collage').describe('Timing of emulated containers.'),
  capacity: whole('capacity: 4', 1, 10_000)
    .exactOptional()
    .describe('Containers that fit; else one per GPU found, 1 on CPU, 100 emulated.'),
  workspace: workspace.prefault({}).describe('The team that owns everything here.'),
  gpus: named('A10G: {usd_per_hour: 1.10}', 'the model of a GPU', /^\S(?:.*\S)?$/, price)
    .prefault({})
    .describe('The price list, by GPU model. Without a price, costs are shown as "no price set".'),
  page: page.prefault({}).describe("ComfyUI's own page, on a port of its own."),
  retention: retention.prefault({}).describe('How long things are kept.'),
  shadow: shadow.prefault({}).describe('What other settings would have come to on the traffic of the last day.'),
  open_graphs: flag('open_graphs: false')
    .exactOptional()
    .describe("Whether graphs of clients run that are not the deployment's own; else only on loopback while there are no keys."),
  deployments: named('collage: {workflow: collage.json}', `of ${nameWords}`, namePattern, deployment)
    .prefault({})
    .describe('Workflows offered over HTTP, by name.'),
});

export type FileValues = z.output<typeof fileSchema>;
