import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectSupervisor, cpuSlot, Events, hurriedClock, temporaryFolder, type TemporaryFolder } from '../../test/support/supervised.ts';
import { createSystemClock } from '../fleet/system-clock.ts';
import { takeLock } from '../lock.ts';
import { SupervisorClient } from './client.ts';
import type { Launcher, Report } from './launcher.ts';
import { socketPathOf } from './protocol.ts';
import { createSupervisorServer } from './server.ts';
import { Supervisor } from './supervisor.ts';

interface Served {
  readonly server: Server;
  readonly supervisor: Supervisor;
  readonly reports: Map<string, Report>;
  /** What the containers' stops wait for. */
  readonly stops: { gone: Promise<void> };
}

/** A supervisor in this process, whose containers do nothing of themselves. */
async function serve(folder: string, instance: string): Promise<Served> {
  const reports = new Map<string, Report>();
  const stops = { gone: Promise.resolve() };
  const launcher: Launcher = {
    launch({ id }, _folder, report) {
      reports.set(id, report);
      return { stop: () => stops.gone };
    },
  };
  const supervisor = new Supervisor({
    clock: createSystemClock(),
    folder,
    launchers: { emulated: launcher, process: launcher },
    leaseMs: 60_000,
    onAbandoned: () => undefined,
    report: () => undefined,
  });
  const server = createSupervisorServer({ supervisor, pid: process.pid, instance, onShutdown: () => undefined });
  rmSync(socketPathOf(folder), { force: true });
  await new Promise<void>((resolve) => server.listen(socketPathOf(folder), resolve));
  return { server, supervisor, reports, stops };
}

const request = (id: string) => ({
  id,
  epoch: 1,
  slot: { ...cpuSlot },
  deployment: 'phoenix',
  revision: 'r1',
  launch: { kind: 'emulated' as const, profile: 'instant' },
});

describe('SupervisorClient', () => {
  let folder: TemporaryFolder;
  let served: Served;
  let lock: { release(): void };
  let client: SupervisorClient;
  let troubles: unknown[];
  let events: Events;
  const ended: (() => Promise<unknown> | void)[] = [];

  const end = (server: Server): Promise<unknown> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const seen = (): unknown[] => events.all.map((event) => (event.type === 'phase' ? event.at : event.type));
  const phase = (at: number): void => served.reports.get('a')!.phase('process', { at });
  const heard = (at: number) => events.first((event) => event.type === 'phase' && event.at === at);

  beforeEach(async () => {
    folder = temporaryFolder();
    // No other supervisor can start here: a client can only wait for the one that the test serves next.
    lock = takeLock(join(folder.path, 'supervisor.lock'))!;
    served = await serve(folder.path, 'one');
    const { server, supervisor } = served;
    supervisor.start(request('a'));
    phase(1);
    ({ client, troubles } = await connectSupervisor(folder.path));
    events = new Events(client);
    ended.push(
      () => client.close({ stopAll: false, graceMs: 0 }),
      () => end(server),
    );
  });
  afterEach(async () => {
    for (const step of ended.splice(0)) await step();
    lock.release();
    folder.remove();
  });

  test('hears what happens after it came; each event once and in order, also when the connection breaks', async () => {
    phase(2);
    await heard(2);
    served.server.closeAllConnections();
    for (const at of [3, 4, 5]) phase(at);
    await heard(5);
    served.server.closeAllConnections();
    phase(6);
    await heard(6);
    expect(seen()).toEqual([2, 'interrupted', 'resumed', 3, 4, 5, 'interrupted', 'resumed', 6]);
    expect(troubles.length).toBeGreaterThan(0);
  });

  test('is told to look again when too much has happened meanwhile', async () => {
    phase(2);
    await heard(2);
    served.server.closeAllConnections();
    for (let n = 0; n < 20_001; n++) phase(10 + n);
    await events.first((event) => event.type === 'reset');
    phase(99_999);
    await heard(99_999);
    expect(seen()).toEqual([2, 'interrupted', 'resumed', 'reset', 99_999]);
  });

  test('another supervisor that has counted further, or less far, is followed from its first event', async () => {
    phase(2);
    await heard(2);
    for (const [instance, counted] of [
      ['two', 5],
      ['three', 0],
    ] as const) {
      const former = served.server;
      served = await serve(folder.path, instance);
      const { server, supervisor } = served;
      ended.push(() => end(server));
      supervisor.start(request('a'));
      for (let n = 0; n < counted; n++) phase(100 + n);
      former.closeAllConnections();
      phase(1_000 + counted);
      await heard(1_000 + counted);
      // From here on the new one is resumed like any other: nothing is forgotten, nothing is told twice.
      server.closeAllConnections();
      phase(2_000 + counted);
      await heard(2_000 + counted);
    }
    const broken = ['interrupted', 'resumed'];
    const two = ['interrupted', 'reset', 100, 101, 102, 103, 104, 1_005, ...broken, 2_005];
    expect(seen()).toEqual([2, ...two, 'interrupted', 'reset', 1_000, ...broken, 2_000]);
  });

  test('an event that a listener cannot bear is reported, and does not end the stream', async () => {
    const forget = client.subscribe(() => {
      throw new Error('not me');
    });
    phase(2);
    await heard(2);
    await expect.poll(() => troubles.map(String)).toContainEqual('Error: not me');
    forget();
    phase(3);
    await heard(3);
    expect(seen()).toEqual([2, 3]);
  });

  /** The supervisor's successor, which is there when the one before hangs up. */
  const replace = async (instance: string): Promise<void> => {
    const former = served.server;
    served = await serve(folder.path, instance);
    const { server } = served;
    ended.push(() => end(server));
    former.closeAllConnections();
  };

  test('a start that the end of the supervisor cuts off fails when the next one is there, so that trying again works at once', async () => {
    void served.supervisor.stopAll(0);
    let failed = false;
    const started = client.start(request('b')).catch((error: unknown) => ((failed = true), Promise.reject(error as Error)));
    // A call to the one that ends is answered: what the start waits for is its successor.
    await client.list();
    expect(failed).toBe(false);
    await replace('two');
    await expect(started).rejects.toMatchObject({ code: 'supervisor_failed' });
    await client.start(request('b'));
    expect(await client.list()).toMatchObject([{ id: 'b' }]);
  });

  test('a stop that the end of the supervisor cuts off settles when the next one is there and does not know the container', async () => {
    const gone = Promise.withResolvers<void>();
    served.stops.gone = gone.promise;
    const stopped = client.stop('a', 1, 0);
    await expect.poll(() => served.supervisor.log('a')?.recent().at(-1)?.text).toBe('stopping');
    await replace('two');
    await stopped;
    gone.resolve();
  });

  test('a stop waits for a container that needs long to die, and no longer', async () => {
    const gone = Promise.withResolvers<void>();
    served.stops.gone = gone.promise;
    let asked = 0;
    served.server.on('request', ({ method }) => void (method === 'DELETE' && asked++));
    const hurried = await SupervisorClient.connect({
      folder: folder.path,
      clock: hurriedClock(100),
      report: (error) => troubles.push(error),
    });
    ended.unshift(() => hurried.close({ stopAll: false, graceMs: 0 }));
    const stopped = hurried.stop('a', 1, 0);
    await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(2);
    expect(served.supervisor.list()).toHaveLength(1);
    gone.resolve();
    await stopped;
    expect(served.supervisor.list()).toEqual([]);
  });

  test('a log that breaks off is a failure, one that is left is none', async () => {
    const lines = client.logs('a', { follow: true, signal: new AbortController().signal })[Symbol.asyncIterator]();
    served.reports.get('a')!.log('stdout', 'hello');
    expect((await lines.next()).value).toMatchObject({ stream: 'stdout', text: 'hello' });
    served.server.closeAllConnections();
    await expect(lines.next()).rejects.toMatchObject({ code: 'supervisor_failed' });
  });
});
