import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aContainer, createApiWorld, listen, png, type ApiWorld } from '../../test/support/api.ts';
import { fleetTopic } from '../bus/events.ts';
import type { Config } from '../config/schema.ts';
import { ComfleetError } from '../errors.ts';
import type { OverviewDocument } from '../telemetry/overview/document.ts';
import { main } from './main.ts';
import type { Machine } from './verb.ts';

/** Every verb against the real HTTP API over services in memory. */

let world: ApiWorld;
let url = '';
let folder = '';

const overview = {
  as_of: 0,
  verdict: {
    code: 'flow/at_max_containers',
    severity: 'warn',
    sentence: 'Jobs wait: max_containers is reached.',
    evidence: ['3 jobs wait.'],
    ruled_out: [],
    as_of: 0,
  },
  queue: { length: 3, oldest_wait_s: 5, longest_wait_s: 5, series: [] },
  latency: { p50: 4.4, p95: 6.1, p95_ci: null, n: 9, series: [] },
  containers: { by_state: {}, on_gpu: 2, capacity: 4 },
  cost: { usd_per_min: 0.0367 },
  runtime: { name: 'emulated', emulated: true, profile: 'a10g-collage', ready: true, note: null },
  deployments: [
    {
      name: 'collage',
      environment: 'production',
      default: true,
      state: 'serving',
      queued: 3,
      containers: 2,
      p95: 6.1,
      attainment: 0.875,
      usd_per_min: null,
      held_by: 'max_containers',
    },
  ],
} as unknown as OverviewDocument;

beforeEach(async () => {
  world = await createApiWorld({ change: () => ({ overview: () => overview }) });
  url = `http://127.0.0.1:${await listen(world.app)}`;
  folder = mkdtempSync(path.join(os.tmpdir(), 'comfleet-cli-'));
});

afterEach(async () => {
  await world.app.close();
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const screenOf = (): { write(text: string): void; text: string } => ({
  text: '',
  write(text) {
    this.text += text;
  },
});

async function comfleet(args: readonly string[], change: { env?: Record<string, string>; machine?: Partial<Machine> } = {}): Promise<Ran> {
  const [out, err] = [screenOf(), screenOf()];
  const code = await main(args, {
    terminal: { env: { COMFLEET_URL: url, ...change.env }, cwd: folder, out, err },
    version: '1.2.3',
    signals: () => () => undefined,
    startApp: async () => {
      throw new Error('no test here starts the app');
    },
    openKeys: async () => {
      throw new Error('no test here opens the data folder');
    },
    ...change.machine,
  });
  return { code, out: out.text, err: err.text };
}

const json = async (...args: string[]): Promise<Record<string, never> & { items: Record<string, never>[] }> => {
  const { out, code, err } = await comfleet([...args, '--json']);
  expect(err).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as never;
};

/** Finishes every job as soon as it is accepted. */
const serve = (change: Parameters<ApiWorld['finish']>[1] = {}): void => {
  world.context.bus.subscribe(fleetTopic, ({ data }) => {
    const event = data as { kind: string; change?: string; job?: { id: string } };
    if (event.kind === 'job' && event.change === 'queued' && event.job) void world.finish(event.job.id, change);
  });
};

const submit = async (): Promise<string> => {
  const response = await fetch(`${url}/fleet/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"inputs":{"prompt":"x"}}',
  });
  return ((await response.json()) as { id: string }).id;
};

describe('run', () => {
  test('sends typed inputs, follows the job and saves its picture', async () => {
    serve();
    const { code, out, err } = await comfleet(['run', 'collage', 'prompt=12', 'steps=30', 'hd=true', 'style=oil']);
    expect(world.bound).toEqual([{ prompt: '12', steps: 30, hd: true, style: 'oil' }]);
    expect(code).toBe(0);
    expect(readFileSync(path.join(folder, out.trim()))).toEqual(png);
    expect(out).toMatch(/^collage-[0-9a-f]{8}\.png\n$/);
    expect(err).toMatch(/^job \S+ succeeded: queue 1\.0 s, run 3\.9 s, store 0\.1 s, 1 attempt\n$/);
  });

  test('@file is uploaded and its asset sent; -o names the file', async () => {
    serve();
    writeFileSync(path.join(folder, 'photo.png'), png);
    const { code, out } = await comfleet(['run', 'collage', 'prompt=@not-a-file', 'background=@photo.png', '-o', 'fox.png']);
    expect({ code, out }).toEqual({ code: 0, out: 'fox.png\n' });
    expect(world.bound).toEqual([{ prompt: '@not-a-file', background: expect.stringMatching(/^blake3:/) as string }]);
    expect(readFileSync(path.join(folder, 'fox.png'))).toEqual(png);
  });

  test('--count runs several at once, each with a file of its own; --json gives the jobs', async () => {
    serve();
    const { items } = await json('run', 'collage', 'prompt=x', '--count', '3', '-o', 'owl.png');
    expect(items.map((job) => [job['state'], job['files']])).toEqual(
      [1, 2, 3].map((number) => ['succeeded', [path.join(folder, `owl-${number}.png`)]]),
    );
    expect(await json('run', 'collage', 'prompt=x')).toMatchObject({ state: 'succeeded', deployment: 'collage' });
  });

  test('text outputs are printed, without control characters', async () => {
    const text = {
      index: 0,
      node: '1',
      kind: 'text',
      mime: 'text/plain',
      filename: '',
      bytes: 3,
      asset: null,
      text: 'a\u001B[2Jb',
    } as const;
    serve({ outputs: [text] });
    expect((await comfleet(['run', 'collage', 'prompt=x'])).out).toBe('a[2Jb\n');
  });

  test('a failed job is exit code 1 and says what to do', async () => {
    serve({ state: 'failed', outputs: [], error: { code: 'out_of_memory', message: 'KSampler needs 40 GB' } });
    const { code, out, err } = await comfleet(['run', 'collage', 'prompt=x']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/failed: KSampler needs 40 GB\nnext {2}Use a smaller picture/);
  });

  test('goes on when the stream of events breaks', async () => {
    const running = comfleet(['run', 'collage', 'prompt=x']);
    const id = await new Promise<string>((resolve) => {
      world.context.bus.subscribe(fleetTopic, ({ data }) => resolve((data as { job: { id: string } }).job.id));
    });
    await world.start(id);
    world.app.server.closeAllConnections();
    await world.finish(id);
    expect((await running).code).toBe(0);
  });

  test.each([
    [['run', 'collage', 'nonsense'], 2, '"nonsense" is not name=value; write e.g. comfleet run collage'],
    [['run', 'collage', '--count', '0'], 2, '--count must be a whole number'],
    [['run', 'collage', 'background=@no.png'], 2, 'no.png cannot be read'],
    [['run', 'collage', 'colour=red'], 1, 'There is no input colour'],
    [['run', 'nobody'], 1, 'There is no deployment nobody'],
    [['run'], 2, "missing required argument 'deployment'"],
  ])('%j ends with %d: %s', async (args, code, message) => {
    const ran = await comfleet(args);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(message);
    expect(ran.out).toBe('');
  });
});

describe('deploy', () => {
  const graph = { 1: { class_type: 'KSampler', inputs: { text: '' } } };

  test('makes a deployment named after the file, and shows its inputs', async () => {
    writeFileSync(path.join(folder, 'My Flow_v2.json'), JSON.stringify(graph));
    const { code, out, err } = await comfleet(['deploy', 'My Flow_v2.json', '--set', 'max_containers=4', 'slo.latency=4s']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(world.deployments.get('my-flow-v2').scaling).toMatchObject({ maxContainers: 4, slo: { latencyMs: 4_000 } });
    expect(out).toContain(`my-flow-v2 at ${url}/d/my-flow-v2/`);
    expect(out).toMatch(/^prompt +string +yes +- +- +What to draw\.$/m);
    expect(out).toMatch(/^steps +integer +no +20 +1 to 100/m);
    expect(out).toMatch(/^background +image +no/m);
    expect(out).toContain('try comfleet run my-flow-v2 prompt="a regal phoenix"');
  });

  test.each([
    ['no.json', null, 'no.json cannot be read'],
    ['broken.json', '{', 'broken.json is not JSON'],
    ['---.json', '{}', '---.json gives no name; write one with --name NAME'],
  ])('%s is refused before anything is sent', async (name, text, message) => {
    if (text !== null) writeFileSync(path.join(folder, name), text);
    const { code, err } = await comfleet(['deploy', './' + name]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('scale', () => {
  test('changes settings and shows what changed', async () => {
    const { code, out, err } = await comfleet([
      'scale',
      'collage',
      'keep_warm=2',
      'slo.latency=4s',
      'budget.usd_per_hour=3',
      'scaledown_window=5m',
    ]);
    expect(code).toBe(0);
    expect(err).toBe('used min_containers for keep_warm\n');
    expect(out.trim().split('\n')).toEqual([
      'setting              before  now',
      'min_containers       0       2',
      'scaledown_window     60s     5m',
      'slo.latency          6s      4s',
      'budget.usd_per_hour  none    3',
    ]);
    expect(world.deployments.get('collage').scaling).toMatchObject({ minContainers: 2, slo: { p: 0.95, latencyMs: 4_000 } });
    expect((await comfleet(['scale', 'collage', 'max_inputs=1'])).out).toBe('nothing changed\n');
  });

  test('shows them', async () => {
    expect((await comfleet(['scale', 'collage'])).out).toMatch(/^max_containers +none$/m);
    expect(await json('scale', 'collage')).toMatchObject({ min_containers: 0, scaledown_window: '60s' });
  });

  test.each([
    [['min_containers=two'], 1, 'min_containers: must be a whole number from 0 to 10000, got "two"'],
    [['a.b.c=1'], 2, 'a.b.c is no setting'],
    [['min_containers'], 2, '"min_containers" is not name=value'],
  ])('%j is refused', async (settings, code, message) => {
    const ran = await comfleet(['scale', 'collage', ...settings]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(message);
  });
});

describe('jobs', () => {
  test('lists, shows and cancels them', async () => {
    expect((await comfleet(['jobs'])).out).toBe('no jobs\n');
    const id = await submit();
    const other = await submit();
    await world.finish(other);
    const list = (await comfleet(['jobs'])).out;
    expect(list).toMatch(new RegExp(`^${id} +collage +queued .*a container that starts$`, 'm'));
    expect((await json('jobs', '--state', 'succeeded')).items).toHaveLength(1);
    expect((await comfleet(['jobs', '--limit', '1'])).out).toContain('more: comfleet jobs --cursor');

    expect((await comfleet(['jobs', id])).out).toMatch(/^waits for +a container that starts$/m);
    const shown = (await comfleet(['jobs', other])).out;
    expect(shown).toMatch(/^time +queue 1\.0 s, run 3\.9 s/m);
    expect(shown).toMatch(/^cost +\$0\.0010 \(4\.0 s of a container\)$/m);
    expect(shown).toMatch(/^output 0 +out\.png/m);

    expect(await comfleet(['jobs', '--cancel', id])).toEqual({ code: 0, out: `${id} is canceled\n`, err: '' });
    const refused = await comfleet(['jobs', '--cancel', other]);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('next');
  });

  test('an unknown one is exit code 1, with the next step; as JSON with --json', async () => {
    const { code, out, err } = await comfleet(['jobs', 'nobody']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^error .*nobody.*\nnext {2}List jobs/);
    const ran = await comfleet(['jobs', 'nobody', '--json']);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toMatchObject({ error: { code: 'unknown_job', status: 404 } });
  });

  test('a state that is none is refused by the gateway', async () => {
    expect((await comfleet(['jobs', '--state', 'lost'])).code).toBe(1);
  });
});

describe('containers and logs', () => {
  beforeEach(() => {
    world.containers.push(
      aContainer({ gpu: 'A10G' }),
      aContainer({ id: 'container-2', state: 'starting', phases: [{ phase: 'imports', from: 0, to: null }] }),
    );
  });

  test('lists them with their states', async () => {
    const { out } = await comfleet(['containers']);
    expect(out).toMatch(/^container-1 +collage +ready/m);
    expect(out).toMatch(/^container-2 +collage +starting: imports/m);
    expect((await json('containers', '--deployment', 'portrait')).items).toEqual([]);
  });

  test('stops one, at once with --force', async () => {
    expect((await comfleet(['containers', '--stop', 'container-1'])).out).toContain('stops when its jobs are done');
    expect((await comfleet(['containers', '--stop', 'container-2', '--force'])).out).toContain('was stopped');
    expect(world.stopped.map(({ id, force }) => [id, force])).toEqual([
      ['container-1', false],
      ['container-2', true],
    ]);
    expect((await comfleet(['containers', '--stop', 'nobody'])).code).toBe(1);
  });

  test('shows the log of a container, and of the container of a job', async () => {
    const { out } = await comfleet(['logs', 'container-1', '-f']);
    expect(out).toMatch(/ stdout Starting server\n.* stderr <b>warning<\/b>\n$/);
    const id = await submit();
    const waiting = await comfleet(['logs', id]);
    expect(waiting.code).toBe(1);
    expect(waiting.err).toContain('had no container yet; it waits for a container that starts');
    await world.finish(id);
    expect((await comfleet(['logs', id])).out).toBe(out);
    expect(JSON.parse((await comfleet(['logs', 'container-1', '--json'])).out.split('\n')[0] ?? '')).toMatchObject({
      text: 'Starting server',
    });
    expect((await comfleet(['logs', 'nobody'])).err).toContain('There is no container and no job nobody');
  });

  test('top shows verdict, queue, cost, deployments and containers once where nobody looks on', async () => {
    const { code, out } = await comfleet(['top']);
    expect(code).toBe(0);
    expect(out).toContain('● Jobs wait: max_containers is reached.');
    expect(out).toMatch(/^queue +3 jobs, the oldest for 5\.0 s, p95 6\.1 s$/m);
    expect(out).toMatch(/^cost +\$0\.0367 per minute \(emulated\)$/m);
    expect(out).toMatch(/^collage \* +serving +3 +2 +6\.1 s +87\.5 % +no price set +max_containers$/m);
    expect(out).toMatch(/^container-2 +collage +starting: imports/m);
    expect(await json('top')).toMatchObject({ overview: { queue: { length: 3 } } });
  });

  test('top on a terminal draws again on events and gives the screen back on Ctrl-C', async () => {
    let interrupt = (): void => undefined;
    let drawn = 0;
    const out = {
      isTTY: true,
      columns: 60,
      rows: 40,
      text: '',
      write(text: string) {
        this.text += text;
        if (!text.startsWith('\u001B[H')) return;
        drawn += 1;
        if (drawn === 1) world.context.bus.publish(fleetTopic, { kind: 'container', container: aContainer(), inFlight: 0 });
        else interrupt();
      },
    };
    const signals: Machine['signals'] = (listener) => {
      interrupt = listener;
      return () => undefined;
    };
    const { code } = await comfleet(['top'], {
      machine: { terminal: { env: { COMFLEET_URL: url }, cwd: folder, out, err: screenOf() }, signals },
    });
    expect(code).toBe(0);
    expect(out.text.startsWith('\u001B[?1049h')).toBe(true);
    expect(out.text.endsWith('\u001B[?1049l')).toBe(true);
    expect(out.text).toContain('\u001B[33m●\u001B[39m');
  });
});

describe('keys', () => {
  test('through the gateway', async () => {
    const created = await comfleet(['keys', 'create', 'shop']);
    expect(created.out).toMatch(/^cfk_\w{43}\n$/);
    expect(created.err).toContain('(invoke); keep the secret');
    const [key] = world.context.keys.list();
    expect((await comfleet(['keys', 'list'])).out).toMatch(new RegExp(`^${key?.id} +shop +invoke +${created.out.trim().slice(-4)}`, 'm'));
    expect((await comfleet(['keys', 'revoke', key?.id ?? ''])).out).toBe(`${key?.id} (shop) is revoked\n`);
    expect(world.context.keys.any()).toBe(false);
    expect((await comfleet(['keys', 'create', 'x', '--role', 'owner'])).code).toBe(2);
    expect((await comfleet(['keys', 'revoke', 'nobody'])).code).toBe(1);
  });

  test('in the data folder when no gateway runs, or when the folder is named', async () => {
    const opened: string[] = [];
    const openKeys = async ({ dataDir }: Config) => {
      opened.push(dataDir);
      return { ...world.context.keys, close: async () => void opened.push('closed') };
    };
    const named = await comfleet(['keys', 'create', 'me', '--role', 'admin', '--data-dir', 'there'], { machine: { openKeys } });
    expect(named.code).toBe(0);
    expect(world.context.keys.list()).toMatchObject([{ name: 'me', role: 'admin' }]);
    expect(opened).toEqual([path.join(folder, 'there'), 'closed']);
    // Somewhere else is somewhere else: no silent change of the place.
    const away = await comfleet(['keys', 'list'], { env: { COMFLEET_URL: `http://127.0.0.1:${await freePort()}` }, machine: { openKeys } });
    expect(away.code).toBe(1);
    expect(opened).toHaveLength(2);
  });

  test('a data folder that is in use says so', async () => {
    const openKeys = async () => {
      throw new ComfleetError('data_folder_in_use', 'x is used by another comfleet');
    };
    const { code, err } = await comfleet(['keys', 'list', '--data-dir', 'x'], { machine: { openKeys } });
    expect(code).toBe(1);
    expect(err).toMatch(/^error x is used.*\nnext {2}Stop it/);
  });
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

describe('the command line as such', () => {
  const verbs = ['up', 'deploy', 'run', 'scale', 'jobs', 'containers', 'logs', 'top', 'doctor', 'keys create', 'keys list', 'keys revoke'];

  test.each(verbs)('%s --help shows an example and --json', async (verb) => {
    const { code, out } = await comfleet([...verb.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`$ comfleet ${verb}`);
    expect(out).toContain('--json');
  });

  test('--help says what exit codes mean, --version the version', async () => {
    expect((await comfleet(['--help'])).out).toMatch(/Exit codes:\n {2}0 {2}done\n {2}1 .*\n {2}2 /);
    expect(await comfleet(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  test.each([[['fly']], [['jobs', '--stat']], [['up', '--port']], [['jobs', '--url', 'nonsense']], [[]]])(
    '%j is exit code 2',
    async (args) => {
      expect((await comfleet(args)).code).toBe(2);
    },
  );

  test('no gateway is exit code 1, with what to do', async () => {
    const { code, err } = await comfleet(['jobs', '--url', `http://127.0.0.1:${await freePort()}`]);
    expect(code).toBe(1);
    expect(err).toMatch(/No gateway answers at .*ECONNREFUSED.*\nnext {2}Start one with: comfleet up/);
  });

  test('the key is sent; without one the refusal says how to get one', async () => {
    const { secret } = await world.context.keys.create('me', 'invoke');
    const refused = await comfleet(['containers'], { env: { COMFLEET_KEY: secret } });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('needs the role admin');
    expect((await comfleet(['jobs'], { env: { COMFLEET_KEY: secret } })).code).toBe(0);
    expect((await comfleet(['jobs'], { env: { COMFLEET_KEY: 'wrong' } })).err).toContain('comfleet keys create');
  });

  test('an error of the program shows its stack only with COMFLEET_DEBUG', async () => {
    const machine = { openKeys: async () => Promise.reject(new Error('boom')) };
    const args = ['keys', 'list', '--data-dir', 'x'];
    expect((await comfleet(args, { machine })).err).toMatch(/^error boom\nnext {2}Run it again with COMFLEET_DEBUG=1[^\n]*\n$/);
    expect((await comfleet(args, { machine, env: { COMFLEET_DEBUG: '1' } })).err).toContain('verbs.test.ts');
  });
});
