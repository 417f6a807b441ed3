import { fork } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SupervisorClient } from '../../src/host/client.ts';
import { socketPathOf } from '../../src/host/protocol.ts';
import type { LogLine } from '../../src/runtimes/runtime.ts';
import {
  connectSupervisor,
  cpuSlot,
  Events,
  hurriedClock,
  instantLaunch,
  temporaryFolder,
  type TemporaryFolder,
} from '../support/supervised.ts';

const main = fileURLToPath(new URL('../../src/host/main.ts', import.meta.url));

const undo: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function newFolder(...below: string[]): string {
  const folder = temporaryFolder();
  undo.push(() => folder.remove());
  return join(folder.path, ...below);
}

/** A gateway's client; one that is open at the test's end is closed with all that it has. */
async function gateway(folder: string, leaseMs?: number): Promise<SupervisorClient> {
  const { client } = await connectSupervisor(folder, leaseMs === undefined ? {} : { leaseMs });
  undo.push(() => client.close({ stopAll: true, graceMs: 0 }));
  return client;
}

const request = (id: string) => ({ id, epoch: 1, slot: { ...cpuSlot }, deployment: 'phoenix', revision: 'r1', launch: instantLaunch });
const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/system_stats`).then(
    (answer) => answer.ok,
    () => false,
  );

/** Settles when the folder's supervisor that runs now has ended. */
async function watchSupervisor(folder: string): Promise<{ ended: Promise<void> }> {
  const socket = connect(socketPathOf(folder));
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { ended };
}

/** One supervisor serves all of these, in a folder whose path is too long for a socket. */
describe('the supervisor, of a folder far down', () => {
  let folder: TemporaryFolder;
  let path: string;
  let client: SupervisorClient;
  let events: Events;
  beforeAll(async () => {
    folder = temporaryFolder();
    path = join(folder.path, 'x'.repeat(100), 'y'.repeat(100));
    ({ client } = await connectSupervisor(path));
    events = new Events(client);
  });
  afterAll(async () => {
    await client.close({ stopAll: true, graceMs: 0 });
    folder.remove();
  });

  test('listens at a path that is short enough', () => {
    expect(Buffer.byteLength(socketPathOf(path))).toBeLessThanOrEqual(103);
    expect(existsSync(socketPathOf(path))).toBe(true);
  });

  test('keeps the log of a container that is gone, and removes its folder', async () => {
    await client.start(request('logged'));
    await events.ready('logged');
    expect(existsSync(join(path, 'containers', 'logged'))).toBe(true);
    await client.stop('logged', 1, 0);
    expect(existsSync(join(path, 'containers', 'logged'))).toBe(false);
    const lines: LogLine[] = [];
    for await (const line of client.logs('logged', { follow: true, signal: new AbortController().signal })) lines.push(line);
    expect(lines.map(({ text }) => text)).toEqual([
      'emulated container, timing of profile instant',
      expect.stringMatching(/^ready at http:/),
      'stopping',
    ]);
  });

  test('reports a start that cannot begin as one that failed', async () => {
    await client.start({ ...request('wrong'), launch: { kind: 'emulated', profile: 'no-such-profile' } });
    expect(await events.exited('wrong')).toMatchObject({ code: 'start_failed', message: expect.stringContaining('no-such-profile') });
    expect(await client.list()).toEqual([]);
  });

  test('gives its containers to the next gateway, which hears what happens from then on', async () => {
    await client.start(request('a'));
    await events.ready('a');
    const left = await client.list();
    await client.close({ stopAll: false, graceMs: 0 });

    const former = client.pid;
    ({ client } = await connectSupervisor(path));
    expect(client.pid).toBe(former);
    expect(await client.list()).toEqual(left);
    expect(await answers(left[0]!.endpoint!.url)).toBe(true);
    events = new Events(client);
    await client.start(request('b'));
    await events.ready('b');
    expect(events.all.map((event) => [event.type, 'id' in event && event.id])).toEqual([
      ['phase', 'b'],
      ['ready', 'b'],
    ]);
    await client.stop('a', 1, 0);
    expect((await client.list()).map(({ id }) => id)).toEqual(['b']);
  });

  // The last, since it ends.
  test('takes its containers along when SIGTERM ends it, and leaves nothing in the temporary folder', async () => {
    await client.start(request('c'));
    const { url } = (await events.ready('c')).endpoint;
    const { ended } = await watchSupervisor(path);
    await client.close({ stopAll: false, graceMs: 0 });
    process.kill(client.pid, 'SIGTERM');
    await ended;
    expect(await answers(url)).toBe(false);
    expect(existsSync(dirname(socketPathOf(path)))).toBe(false);
  });
});

describe('the supervisor', () => {
  test('keeps containers while a gateway renews its lease, and stops them and itself when none does', async () => {
    const folder = newFolder();
    const leaseMs = 600;
    const client = await gateway(folder, leaseMs);
    const events = new Events(client);
    await client.start(request('a'));
    const { url } = (await events.ready('a')).endpoint;
    const { ended } = await watchSupervisor(folder);
    // That nothing happens in the time of three leases can only be seen by waiting.
    const waited = new Promise<string>((resolve) => setTimeout(resolve, 3 * leaseMs, 'it stayed'));
    expect(await Promise.race([waited, ended.then(() => 'it ended')])).toBe('it stayed');
    expect(await answers(url)).toBe(true);

    await client.close({ stopAll: false, graceMs: 0 });
    await ended;
    expect(await answers(url)).toBe(false);
  });

  test('is the only one of its folder, however many gateways come at once', async () => {
    const folder = newFolder();
    const clients = await Promise.all([gateway(folder), gateway(folder)]);
    expect(new Set(clients.map(({ pid }) => pid)).size).toBe(1);
    const another = fork(main, ['--folder', folder], { stdio: 'ignore' });
    const [code, said] = await new Promise<[number | null, unknown]>((resolve) => {
      let message: unknown = null;
      another.once('message', (word) => (message = word));
      another.once('exit', (exitCode) => resolve([exitCode, message]));
    });
    expect([code, said]).toEqual([0, null]);
    expect(await clients[0].list()).toEqual([]);
    await clients[1].close({ stopAll: false, graceMs: 0 });
  });

  test('that is killed is replaced: the gateway is told to look again, and goes on', async () => {
    const folder = newFolder();
    const client = await gateway(folder);
    const events = new Events(client);
    for (const id of ['a', 'b', 'c']) await client.start(request(id));
    for (const id of ['a', 'b', 'c']) await events.ready(id);
    const former = client.pid;
    process.kill(former, 'SIGKILL');
    await expect(client.start(request('d'))).rejects.toMatchObject({ code: 'supervisor_failed' });
    await events.first((event) => event.type === 'reset');
    expect(client.pid).not.toBe(former);
    expect(await client.list()).toEqual([]);
    // The new one counts its events from 1 again: fewer than were heard from the former.
    await client.start(request('e'));
    await events.ready('e');
    expect(events.all.filter((event) => event.type === 'reset')).toHaveLength(1);
    expect(events.all.filter((event) => event.type === 'ready')).toHaveLength(4);
  });

  /** A gateway for which time passes so much faster. */
  const hurried = async (folder: string, factor: number): Promise<{ client: SupervisorClient; troubles: unknown[] }> => {
    const troubles: unknown[] = [];
    const client = await SupervisorClient.connect({ folder, clock: hurriedClock(factor), report: (error) => troubles.push(error) });
    undo.push(() => client.close({ stopAll: true, graceMs: 0 }));
    return { client, troubles };
  };
  const killed = (pid: number) => expect.stringContaining(`process ${pid} was killed`) as string;

  test('that hangs when it is to end is killed with its containers, and that is said', async () => {
    const folder = newFolder();
    const former = await gateway(folder);
    const events = new Events(former);
    await former.start(request('a'));
    const { url } = (await events.ready('a')).endpoint;
    await former.close({ stopAll: false, graceMs: 0 });
    const { client, troubles } = await hurried(folder, 20);
    const { ended } = await watchSupervisor(folder);
    process.kill(client.pid, 'SIGSTOP');
    await client.close({ stopAll: true, graceMs: 0 });
    await ended;
    expect(troubles).toContainEqual(expect.objectContaining({ code: 'supervisor_failed', message: killed(client.pid) }));
    expect(await answers(url)).toBe(false);
  });

  test('that hangs when it is to stop a container is replaced', async () => {
    const folder = newFolder();
    const former = await gateway(folder);
    await former.start(request('a'));
    await former.close({ stopAll: false, graceMs: 0 });
    const { client, troubles } = await hurried(folder, 5);
    const { pid } = client;
    process.kill(pid, 'SIGSTOP');
    await client.stop('a', 1, 0);
    expect(client.pid).not.toBe(pid);
    expect(await client.list()).toEqual([]);
    expect(troubles).toContainEqual(expect.objectContaining({ code: 'supervisor_failed', message: killed(pid) }));
  });

  test('may be asked for again while the last one still ends', async () => {
    const folder = newFolder();
    for (let round = 0; round < 2; round++) {
      const client = await gateway(folder);
      expect(await client.list()).toEqual([]);
      await client.close({ stopAll: true, graceMs: 0 });
    }
  });

  test('that cannot be started is a failure that names its log', async () => {
    const folder = newFolder('taken');
    mkdirSync(join(folder, 'supervisor.lock'), { recursive: true });
    await expect(connectSupervisor(folder)).rejects.toMatchObject({
      code: 'supervisor_failed',
      message: expect.stringContaining(join(folder, 'supervisor.log')),
    });
  });
});
