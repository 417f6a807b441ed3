import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SupervisorClient } from '../../src/host/client.ts';
import type { Launch } from '../../src/host/protocol.ts';
import type { LogLine } from '../../src/runtimes/runtime.ts';
import {
  connectSupervisor,
  cpuSlot,
  Events,
  fakeLaunch,
  noPython,
  openWitness,
  temporaryFolder,
  type TemporaryFolder,
  type Witness,
  type Witnessed,
} from '../support/supervised.ts';

describe.skipIf(noPython)(`containers that are processes${noPython ? ' (skipped: no python3)' : ''}`, () => {
  let folder: TemporaryFolder;
  let witness: Witness;
  let client: SupervisorClient;
  let events: Events;

  beforeAll(async () => {
    vi.stubEnv('COMFLEET_ADMIN_KEY', 'secret');
    vi.stubEnv('HF_HOME', '/models');
    folder = temporaryFolder();
    witness = await openWitness();
    ({ client } = await connectSupervisor(folder.path));
    events = new Events(client);
  });
  afterAll(async () => {
    await client.close({ stopAll: true, graceMs: 0 });
    vi.unstubAllEnvs();
    witness.close();
    folder.remove();
  });

  let number = 0;
  const begin = async (launch: Launch): Promise<string> => {
    const id = `p${++number}`;
    await client.start({ id, epoch: 1, slot: { ...cpuSlot }, deployment: 'phoenix', revision: 'r1', launch });
    return id;
  };
  const begun = async (mode: string): Promise<{ id: string; container: Witnessed }> => {
    const id = await begin(fakeLaunch(witness, mode));
    return { id, container: await processOf(id) };
  };
  const processOf = (id: string, role: Witnessed['role'] = 'container'): Promise<Witnessed> =>
    witness.first((about) => about.role === role && about.argv.some((argument) => argument.endsWith(`/${id}/input`)));

  test('get their own port, folders and database, and nothing of the gateway’s own', async () => {
    const [one, two] = await Promise.all([begun('good'), begun('good')]);
    await Promise.all([events.ready(one.id), events.ready(two.id)]);
    expect(one.container.port).toBeGreaterThanOrEqual(8400);
    expect(one.container.port).not.toBe(two.container.port);
    expect(one.container.argv.join(' ')).toContain(`sqlite:///${folder.path}/containers/${one.id}/comfyui.db`);
    const { env } = one.container;
    expect(Object.keys(env).filter((name) => name.startsWith('COMFLEET'))).toEqual([]);
    expect(env).toMatchObject({ HF_HOME: '/models', OMP_NUM_THREADS: '1', PYTHONUNBUFFERED: '1' });
    await Promise.all([one, two].map(({ id }) => client.stop(id, 1, 5_000)));
    await Promise.all([one.container.dead, two.container.dead]);
  });

  test('get another port than those of the host’s other supervisors, also before they listen', async () => {
    const another = temporaryFolder();
    const { client: neighbour } = await connectSupervisor(another.path);
    try {
      const own = await begun('silent');
      const launch = fakeLaunch(witness, 'silent');
      await neighbour.start({ id: 'next-door', epoch: 1, slot: { ...cpuSlot }, deployment: 'phoenix', revision: 'r1', launch });
      expect((await processOf('next-door')).port).not.toBe(own.container.port);
      await client.stop(own.id, 1, 5_000);
    } finally {
      await neighbour.close({ stopAll: true, graceMs: 0 });
      another.remove();
    }
  });

  test('tell the phases of their start and the seconds of each node pack, and keep what they print', async () => {
    const { id } = await begun('good');
    await events.ready(id);
    const phases = events.of(id).flatMap((event) => (event.type === 'phase' ? [event] : []));
    expect(phases.find(({ phase }) => phase === 'custom_nodes')?.detail).toEqual({ 'websocket_image_save.py': 0, pack: 0.3 });
    const lines: LogLine[] = [];
    for await (const line of client.logs(id, { follow: false, signal: new AbortController().signal })) lines.push(line);
    expect(lines).toContainEqual({ at: expect.any(Number), stream: 'stderr', text: 'Starting server' });
    await client.stop(id, 1, 5_000);
  });

  test('are killed after the grace time when they do not care for SIGTERM', async () => {
    const { id, container } = await begun('deaf');
    await events.ready(id);
    await client.stop(id, 1, 200);
    await container.dead;
    expect(events.of(id).some((event) => event.type === 'exited')).toBe(false);
  });

  test('take along what they have started, stopped or crashed', async () => {
    const [stopped, crashed] = await Promise.all([begun('grandchild'), begun('grandchild')]);
    const grandchildren = await Promise.all([stopped, crashed].map(({ id }) => processOf(id, 'grandchild')));
    await Promise.all([stopped, crashed].map(({ id }) => events.ready(id)));
    process.kill(crashed.container.pid, 'SIGKILL');
    await client.stop(stopped.id, 1, 5_000);
    const exited = await events.exited(crashed.id);
    expect(exited).toMatchObject({ code: 'crashed', message: expect.stringMatching(/^it was killed by SIGKILL\n.*Starting server/s) });
    await Promise.all(grandchildren.map(({ dead }) => dead));
  });

  test('are gone at once when they are stopped while they start, whatever grace they have', async () => {
    const [silent, stuck] = await Promise.all([begun('silent'), begun('stuck')]);
    await events.first((event) => event.type === 'phase' && event.id === stuck.id && event.phase === 'probe');
    await Promise.all([silent, stuck].map(({ id }) => client.stop(id, 1, 600_000)));
    await Promise.all([silent.container.dead, stuck.container.dead]);
    expect([silent, stuck].flatMap(({ id }) => events.of(id)).filter((event) => event.type !== 'phase')).toEqual([]);
    expect((await client.list()).map(({ id }) => id)).not.toContain(silent.id);
  });

  const failing: [string, Partial<Launch & { kind: 'process' }>, RegExp][] = [
    [
      'a module is missing',
      { args: ['--fake-mode', 'no-torch'] },
      /^it ended with code 1: Python has no torch: install PyTorch.*No module named 'torch'/s,
    ],
    ['it does not know an argument', { args: ['--bogus'] }, /^it ended with code 2: .*unrecognized arguments: --bogus/s],
    ['it fails the probe prompt', { args: ['--fake-mode', 'bad-prompt'] }, /^it listens, but its probe prompt failed/],
    ['there is no such Python', { python: '/nowhere/python' }, /^it ended with code 127: .*\/nowhere\/python/s],
    ['there is no such folder', { path: '/nowhere' }, /ENOENT/],
  ];
  test.each(failing)('fail to start when %s, and say why', async (_, change, message) => {
    const id = await begin({ ...fakeLaunch(witness), ...change } as Launch);
    const exited = await events.exited(id);
    expect(exited).toMatchObject({ code: 'start_failed', message: expect.stringMatching(message) });
    expect((await client.list()).map((container) => container.id)).not.toContain(id);
  });

  // The last, since the supervisor's other containers go with it.
  test('die with their supervisor, however it dies, and what they have started with them', async () => {
    const [good, parent] = await Promise.all([begun('good'), begun('grandchild')]);
    const grandchild = await processOf(parent.id, 'grandchild');
    await Promise.all([good, parent].map(({ id }) => events.ready(id)));
    process.kill(client.pid, 'SIGKILL');
    await Promise.all([good.container.dead, parent.container.dead]);
    await events.first((event) => event.type === 'reset');
    expect(await client.list()).toEqual([]);
    const next = await begun('good');
    await events.ready(next.id);
    await grandchild.dead;
    await client.stop(next.id, 1, 5_000);
  });
});
