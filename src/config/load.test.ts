import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ComfleetError } from '../errors.ts';
import { settings, variables } from './environment.ts';
import { loadConfig, shippedConfig, type ConfigSource } from './load.ts';

let folder = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'comfleet-config-')));
});

afterEach(() => rmSync(folder, { recursive: true }));

const write = (text: string, name = 'comfleet.yaml'): string => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

const load = (source: Partial<ConfigSource> = {}) => loadConfig({ flags: {}, env: {}, cwd: folder, shipped: null, ...source });

const problems = (source: Partial<ConfigSource> = {}): string[] => {
  try {
    load(source);
  } catch (error) {
    if (error instanceof ComfleetError && error.code === 'invalid_config') return error.message.split('\n');
    throw error;
  }
  return [];
};

describe('defaults', () => {
  test('without a file', () => {
    const { config, notes } = load();
    expect(config).toEqual({
      dataDir: path.join(folder, '.comfleet'),
      network: { host: '127.0.0.1', port: 8288, hosts: [], allowPrivate: [] },
      runtime: 'auto',
      comfyui: { path: null, urls: [], python: null, args: [], cpu: false },
      profile: 'a10g-collage',
      capacity: null,
      workspace: { name: 'local', gpuLimit: null },
      gpus: {},
      page: { folder: null, container: false, port: 8289 },
      retention: { jobsMs: 30 * 86_400_000, outputsMs: 7 * 86_400_000, uploadsMs: 86_400_000 },
      shadow: { everyMs: 300_000, windowMs: 86_400_000 },
      openGraphs: null,
      deployments: [],
      file: null,
    });
    expect(notes).toEqual([]);
  });

  test.each(['', '# nothing\n', 'deployments:\ngpus:\n'])('an empty file (%j) means the same', (text) => {
    const file = write(text);
    expect(load().config).toEqual({ ...load({ cwd: os.tmpdir() }).config, dataDir: path.join(folder, '.comfleet'), file });
  });
});

test('a whole file', () => {
  write('{}', 'flows/a.json');
  write('{}', 'flows/b.json');
  write('x', 'flows/bg.png');
  const file = write(`
data_dir: state
network: {host: 0.0.0.0, port: 9000, hosts: [fleet.test], allow_private: [10.0.0.0/8]}
runtime: process
comfyui: {path: ./ComfyUI/, python: venv/bin/python, args: [--fast], cpu: true}
profile: h100-sdxl
capacity: 3
workspace: {name: studio, gpu_limit: starter}
gpus: {A10G: {usd_per_hour: 1.10}, "RTX 4090": {usd_per_hour: 0}}
retention: {jobs: 10d, outputs: 12h, uploads: 3600}
page: {folder: frontend, container: true, port: 9001}
shadow: {every: off, window: 7d}
open_graphs: false
deployments:
  a:
    workflow: flows/a.json
    files: {bg.png: flows/bg.png}
    outputs: [9, "12"]
    inputs:
      prompt: {target: "6.text", type: string, description: What, required: true}
      seed: {target: ["3.seed", "4.seed"], type: int, min: 0, max: 9, step: 1, default: 4, random: true}
      size: {target: "5.width", type: enum, choices: [512, 1024]}
    scaling: {min_containers: 1, max_containers: 8, slo: {latency: 4s}}
    execution_timeout: 1h30m
    native: {allow: [/pack, "POST /pack/do.it", GET /other]}
  b: {workflow: flows/b.json, default: true}
`);
  const { config } = load();
  expect(config).toEqual({
    dataDir: path.join(folder, 'state'),
    network: { host: '0.0.0.0', port: 9000, hosts: ['fleet.test'], allowPrivate: ['10.0.0.0/8'] },
    runtime: 'process',
    comfyui: { path: path.join(folder, 'ComfyUI'), urls: [], python: path.join(folder, 'venv/bin/python'), args: ['--fast'], cpu: true },
    profile: 'h100-sdxl',
    capacity: 3,
    workspace: { name: 'studio', gpuLimit: 10 },
    gpus: { A10G: { usdPerHour: 1.1 }, 'RTX 4090': { usdPerHour: 0 } },
    page: { folder: path.join(folder, 'frontend'), container: true, port: 9001 },
    retention: { jobsMs: 864_000_000, outputsMs: 43_200_000, uploadsMs: 3_600_000 },
    shadow: { everyMs: null, windowMs: 604_800_000 },
    openGraphs: false,
    deployments: [
      {
        name: 'a',
        environment: 'production',
        default: false,
        workflow: path.join(folder, 'flows/a.json'),
        files: { 'bg.png': path.join(folder, 'flows/bg.png') },
        outputs: ['9', '12'],
        inputs: {
          prompt: { target: ['6.text'], type: 'string', description: 'What', required: true },
          seed: { target: ['3.seed', '4.seed'], type: 'int', min: 0, max: 9, step: 1, default: 4, random: true },
          size: { target: ['5.width'], type: 'enum', choices: [512, 1024] },
        },
        scaling: { minContainers: 1, maxContainers: 8, slo: { p: 0.95, latencyMs: 4_000, windowMs: 300_000 } },
        executionTimeoutMs: 5_400_000,
        native: {
          allow: [
            { method: 'GET', path: '/pack' },
            { method: 'POST', path: '/pack/do.it' },
            { method: 'GET', path: '/other' },
          ],
        },
      },
      {
        name: 'b',
        environment: 'production',
        default: true,
        workflow: path.join(folder, 'flows/b.json'),
        inputs: null,
        outputs: null,
        files: {},
        scaling: {},
        executionTimeoutMs: 600_000,
        native: { allow: [] },
      },
    ],
    file,
  });
});

test('the first deployment of production is the default when none says so', () => {
  write('{}', 'a.json');
  write('deployments:\n  s: {workflow: a.json, environment: staging}\n  p: {workflow: a.json}\n  q: {workflow: a.json}\n');
  expect(load().config.deployments.map((deployment) => deployment.default)).toEqual([false, true, false]);
});

test.each([
  ['starter', 10],
  ['team', 30],
  ['enterprise', null],
  ['none', null],
  ['2.5', 2.5],
])('gpu_limit %s is %s', (written, limit) => {
  write(`workspace: {gpu_limit: ${written}}\n`);
  expect(load().config.workspace.gpuLimit).toBe(limit);
});

describe('precedence', () => {
  test('flags over variables over the file over defaults', () => {
    write('network: {port: 1}\n');
    const env = { COMFLEET_PORT: '2' };
    expect(load().config.network.port).toBe(1);
    expect(load({ env }).config.network.port).toBe(2);
    expect(load({ env, flags: { port: '3' } }).config.network.port).toBe(3);
    expect(load({ env: { COMFLEET_PORT: '' } }).config.network.port).toBe(1);
  });

  test.each(settings.map((setting) => [setting.variable, setting] as const))('%s and its flag set the same', (variable, setting) => {
    const value = { text: 'emulated', number: '7', boolean: 'true', folder: 'x', comfyui: 'http://a:1' }[setting.kind];
    const byVariable = load({ env: { [variable]: value } }).config;
    expect(byVariable).toEqual(load({ flags: { [setting.flag]: setting.kind === 'boolean' ? true : value } }).config);
    expect(byVariable).not.toEqual(load().config);
  });

  test('the file is --config, else COMFLEET_CONFIG, else comfleet.yaml here, else the shipped one', () => {
    const [one, two, shipped] = ['one.yaml', 'two.yaml', 'shipped.yaml'].map((name, index) => write(`capacity: ${index + 1}\n`, name)) as [
      string,
      string,
      string,
    ];
    expect(load({ shipped }).config.capacity).toBe(3);
    const local = write('capacity: 9\n');
    expect(load({ shipped }).config).toMatchObject({ capacity: 9, file: local });
    expect(load({ shipped, env: { COMFLEET_CONFIG: 'two.yaml' } }).config).toMatchObject({ capacity: 2, file: two });
    expect(load({ shipped, env: { COMFLEET_CONFIG: 'two.yaml' }, flags: { config: one } }).config.capacity).toBe(1);
  });

  test('a configuration file that is not there is named with who named it', () => {
    expect(problems({ flags: { config: 'no.yaml' } })[0]).toMatch(/^--config: there is no file .*no\.yaml/);
    expect(problems({ env: { COMFLEET_CONFIG: '.' } })[0]).toMatch(/^COMFLEET_CONFIG: there is no file/);
  });

  test('COMFYUI_HOME is weaker than file, variable and flag', () => {
    const env = { COMFYUI_HOME: '/home-of-comfyui' };
    expect(load({ env }).config.comfyui.path).toBe('/home-of-comfyui');
    expect(load({ env: { ...env, COMFLEET_COMFYUI: 'http://a:1/,http://b:2' } }).config.comfyui).toMatchObject({
      path: null,
      urls: ['http://a:1', 'http://b:2'],
    });
    expect(load({ env, flags: { comfyui: ['http://a:1', 'http://b:2'] } }).config.comfyui.urls).toEqual(['http://a:1', 'http://b:2']);
    write('comfyui: {path: here, cpu: true}\n');
    expect(load({ env }).config.comfyui.path).toBe(path.join(folder, 'here'));
    expect(load({ env, flags: { comfyui: 'http://a:1' } }).config.comfyui).toMatchObject({ path: null, urls: ['http://a:1'], cpu: true });
    expect(load({ env: { ...env, HOME: '/me' }, flags: { comfyui: '~/ComfyUI' } }).config.comfyui.path).toBe('/me/ComfyUI');
  });
});

describe('errors', () => {
  test('name file, line, path and the fix; all at once, in the order of the file', () => {
    write('{}', 'a.json');
    write(`# a comment
network:
  port: http
  hots: [a]
deployments:
  collage:
    workflow: a.json
    scaling:
      keep_warm: two
      max_inputs: 1
      target_inputs: 0
  Other: {workflow: a.json}
retention: {outputs: soon}
`);
    expect(problems()).toEqual([
      'comfleet.yaml:3: network.port: must be a whole number from 0 to 65535, got "http"; write e.g. port: 8288',
      'comfleet.yaml:4: network.hots: is not a known key; did you mean hosts?',
      'comfleet.yaml:9: deployments.collage.scaling.min_containers: must be a whole number from 0 to 10000, got "two"; write e.g. min_containers: 2',
      'comfleet.yaml:11: deployments.collage.scaling.target_inputs: must be a whole number from 1 to 1000, got 0; write e.g. target_inputs: 1',
      'comfleet.yaml:12: deployments.Other: the name must be of lower-case letters, digits and dashes, at most 63; write e.g. collage: {workflow: collage.json}',
      'comfleet.yaml:13: retention.outputs: must be a duration such as 500ms, 60s, 5m, 1h30m, 7d, or a number of seconds, got "soon"; write e.g. outputs: 7d',
    ]);
  });

  test.each([
    ['runtime: docker', 'comfleet.yaml:1: runtime: must be one of auto, emulated, process, remote, got "docker"; write e.g. runtime: auto'],
    ['- a', 'comfleet.yaml:1: must be a mapping'],
    ['a: [', 'comfleet.yaml:2: Flow sequence'],
    ['capacity: 1\n\ncapacity: 2', 'comfleet.yaml:3: Map keys must be unique'],
    ['capacity: *nobody', 'comfleet.yaml:1: Unresolved alias'],
    ['deploymnets: {}', 'comfleet.yaml:1: deploymnets: is not a known key; did you mean deployments?'],
    ['zzzzzzz: 1', 'comfleet.yaml:1: zzzzzzz: is not a known key; known are data_dir, network'],
    ['gpus:\n  A10G: 1.1', 'comfleet.yaml:2: gpus.A10G: must be a mapping, got 1.1; write e.g. A10G: {usd_per_hour: 1.10}'],
    ['gpus:\n  A10G: {}', 'comfleet.yaml:2: gpus.A10G.usd_per_hour: must be a number >= 0, got nothing; write e.g. usd_per_hour: 1.10'],
    ['workspace: {gpu_limit: lots}', 'comfleet.yaml:1: workspace.gpu_limit: must be a number of GPUs above 0, or starter (10)'],
    ['network: {allow_private: [10.0.0.0/99]}', 'comfleet.yaml:1: network.allow_private.0: must be an address block, got "10.0.0.0/99"'],
    ['network: {allow_private: [10.0.0.1]}', 'comfleet.yaml:1: network.allow_private.0: must be an address block, got "10.0.0.1"'],
    ['comfyui:\n  path: a\n  urls: [http://a]', 'comfleet.yaml:3: comfyui.urls: comfyui.path is set too'],
    [
      'comfyui:\n  urls:\n    - http://a\n    - gpu-box',
      'comfleet.yaml:4: comfyui.urls.1: must be the http(s) URL of a ComfyUI server, got "gpu-box"',
    ],
    [
      'shadow: {every: sometimes}',
      'comfleet.yaml:1: shadow.every: must be a duration of at least 1s, or off, got "sometimes"; write e.g. every: 5m',
    ],
    ['open_graphs: maybe', 'comfleet.yaml:1: open_graphs: must be true or false, got "maybe"'],
    ['deployments:\n  x:\n    workflow: no.json', /^comfleet\.yaml:3: deployments\.x\.workflow: there is no file .*no\.json; put it there/],
    ['deployments:\n  x: {}', 'comfleet.yaml:2: deployments.x.workflow: must be a file, got nothing; write e.g. workflow: collage.json'],
    [
      'deployments:\n  x:\n    workflow: a.json\n    files:\n      b.png: b.png',
      /^comfleet\.yaml:5: deployments\.x\.files\.b\.png: there is no file/,
    ],
    [
      'deployments:\n  x:\n    workflow: a.json\n    inputs: {p: {target: text}}',
      'comfleet.yaml:4: deployments.x.inputs.p.target: must be NODE.FIELD',
    ],
    ['deployments:\n  x:\n    workflow: a.json\n    inputs: {p: {target: []}}', 'comfleet.yaml:4: deployments.x.inputs.p.target: must'],
    [
      'deployments:\n  x:\n    workflow: a.json\n    inputs:\n      p: {target: a.b, min: 3, max: 2}',
      'comfleet.yaml:5: deployments.x.inputs.p.min: 3 is more than max',
    ],
    [
      'deployments:\n  x:\n    workflow: a.json\n    inputs:\n      p: {target: a.b, type: enum, choices: []}',
      'comfleet.yaml:5: deployments.x.inputs.p.choices: must name',
    ],
    [
      'deployments:\n  x:\n    workflow: a.json\n    scaling:\n      min_containers: 4\n      max_containers: 2',
      'comfleet.yaml:5: deployments.x.scaling.min_containers: 4 is more than',
    ],
    [
      'deployments:\n  x: {workflow: a.json, default: true}\n  y: {workflow: a.json, default: true}',
      'comfleet.yaml:3: deployments.y.default: x is the default already',
    ],
    [
      'deployments:\n  x: {workflow: a.json, default: true, environment: staging}',
      'comfleet.yaml:2: deployments.x.default: only a deployment of production',
    ],
    [
      'deployments:\n  x:\n    workflow: a.json\n    scaling:\n      keep_warm: 1\n      min_containers: 1',
      'comfleet.yaml:5: deployments.x.scaling.keep_warm: is another name of min_containers, which is given too',
    ],
  ])('%j', (text, message) => {
    write('{}', 'a.json');
    write(`${text}\n`);
    const found = problems();
    expect(found).toHaveLength(1);
    if (typeof message === 'string') expect(found[0]).toContain(message);
    else expect(found[0]).toMatch(message);
  });

  test('of a variable or flag name it, not the file', () => {
    write('runtime: auto\n');
    expect(problems({ env: { COMFLEET_PORT: 'x' } })).toEqual([
      'COMFLEET_PORT: must be a whole number from 0 to 65535, got "x"; write e.g. COMFLEET_PORT=8288',
    ]);
    expect(problems({ flags: { port: '70000', runtime: 'docker' } })).toEqual([
      '--port: must be a whole number from 0 to 65535, got 70000; write e.g. --port 8288',
      '--runtime: must be one of auto, emulated, process, remote, got "docker"; write e.g. --runtime auto',
    ]);
    expect(problems({ env: { COMFLEET_PORT: 'tcp://10.0.0.1:80' } })[0]).toContain('enableServiceLinks: false');
    expect(problems({ flags: { comfyui: 'a,http://b' } })[0]).toMatch(/^--comfyui: names a folder and URLs/);
    expect(problems({ flags: { comfyui: ['a', 'b'] } })[0]).toMatch(/^--comfyui: names 2 folders/);
    expect(problems({ flags: { comfyui: ' ' } })[0]).toMatch(/^--comfyui: is empty/);
  });

  test.each([
    ['ftp://x', '--comfyui: takes a folder or http(s) URLs, and ftp://x is neither; write e.g. --comfyui http://x'],
    ['file:///home/me/ComfyUI', 'and file:///home/me/ComfyUI is neither; write e.g. --comfyui http://gpu-box:8188'],
    ['http://', 'and http:// is neither; write e.g. --comfyui http://gpu-box:8188'],
    ['http://a:99999', 'and http://a:99999 is neither'],
    ['http://a,ws://b:8188/x', 'and ws://b:8188/x is neither; write e.g. --comfyui http://b:8188/x'],
    ['http://a?b', 'and http://a?b is neither'],
    ['gpu-box:8188', 'and gpu-box:8188 is neither; write e.g. --comfyui http://gpu-box:8188'],
  ])('of --comfyui %s say what was meant', (comfyui, message) => {
    expect(problems({ flags: { comfyui } })).toEqual([expect.stringContaining(message)]);
    expect(problems({ env: { COMFLEET_COMFYUI: comfyui } })[0]).toContain(`COMFLEET_COMFYUI: takes a folder`);
  });

  test('of a URL where a folder is wanted', () => {
    for (const home of ['http://a:8188', 'ftp://a']) {
      expect(problems({ env: { COMFYUI_HOME: home } })[0]).toContain(
        `COMFYUI_HOME: is a folder, and ${home} is none; --comfyui takes URLs`,
      );
    }
    write('comfyui: {path: "http://a:8188"}\n');
    expect(problems()).toEqual([
      'comfleet.yaml:1: comfyui.path: must be a folder, got "http://a:8188"; write e.g. urls: [http://gpu-box:8188]',
    ]);
    write('comfyui: {urls: ["http://a:99999"]}\n');
    expect(problems()[0]).toContain('comfyui.urls.0: must be the http(s) URL of a ComfyUI server, got "http://a:99999"');
  });

  test('carry details for programs', () => {
    write('capacity: none\n');
    expect(() => load()).toThrow(
      expect.objectContaining({ details: { errors: [expect.objectContaining({ key: 'capacity', line: 1 })] } }) as Error,
    );
  });
});

describe('notes', () => {
  test('say which name was used for a synonym, and where', () => {
    write('{}', 'a.json');
    write('deployments:\n  x:\n    workflow: a.json\n    scaling: {keep_warm: 2, concurrency_limit: 4}\n');
    const { config, notes } = load();
    expect(config.deployments[0]?.scaling).toEqual({ minContainers: 2, maxContainers: 4 });
    expect(notes).toEqual([
      'comfleet.yaml:4: deployments.x.scaling: used min_containers for keep_warm',
      'comfleet.yaml:4: deployments.x.scaling: used max_containers for concurrency_limit',
    ]);
  });

  test('suggest only variables that there are', () => {
    const suggested = load({ env: { COMFLEET_HOME: '1', COMFLEET_OME: '1' } }).notes.map((note) => /mean (\w+)\?/.exec(note)?.[1]);
    for (const name of suggested) expect(variables.map((known) => known.name)).toContain(name);
    expect(suggested).toContain('COMFLEET_HOST');
  });

  test('name variables that look mistyped, and only those', () => {
    expect(load({ env: { COMFLEET_PROT: '1', COMFLEET_SERVICE_LOCATION: 'x', COMFLEET_DEBUG: '1' } }).notes).toEqual([
      'COMFLEET_PROT is not a variable of comfleet and was ignored; did you mean COMFLEET_PORT?',
    ]);
  });
});

test('the shipped configuration is right', () => {
  const shipped = shippedConfig();
  expect(shipped).toMatch(/examples\/comfleet\.yaml$/);
  expect(load({ shipped }).config.deployments.length).toBeGreaterThan(0);
});
