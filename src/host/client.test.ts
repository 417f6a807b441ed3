import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectSupervisor, cpuSlot, Events, temporaryFolder, type TemporaryFolder } from '../../test/support/supervised.ts';
import { createSystemClock } from '../fleet/system-clock.ts';
import type { SupervisorClient } from './client.ts';
import type { Launcher, Report } from './launcher.ts';
import { socketPathOf } from './protocol.ts';
import { createSupervisorServer } from './server.ts';
import { Supervisor } from './supervisor.ts';

/** A supervisor in this process, whose containers do nothing of themselves. */
async function serve(folder: string, instance: string): Promise<{ server: Server; supervisor: Supervisor; reports: Map<string, Report> }> {
  const reports = new Map<string, Report>();
  const launcher: Launcher = {
    launch({ id }, _folder, report) {
      reports.set(id, report);
      return { stop: () => Promise.resolve() };
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
  return { server, supervisor, reports };
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
  let served: Awaited<ReturnType<typeof serve>>;
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
    expect(seen()).toEqual([2, 3, 4, 5, 6]);
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
    expect(seen()).toEqual([2, 'reset', 99_999]);
  });

  test('another supervisor that has counted further, or less far, is followed from where it is', async () => {
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
      for (let n = 0; n < counted; n++) phase(-n);
      former.closeAllConnections();
      await expect.poll(() => events.all.at(-1)?.type).toBe('reset');
      phase(1_000 + counted);
      await heard(1_000 + counted);
      // From here on the new one is resumed like any other: nothing is forgotten, nothing is told twice.
      server.closeAllConnections();
      phase(2_000 + counted);
      await heard(2_000 + counted);
    }
    expect(seen()).toEqual([2, 'reset', 1_005, 2_005, 'reset', 1_000, 2_000]);
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

  test('calls towards a supervisor that stops everything fail as supervisor_failed', async () => {
    void served.supervisor.stopAll(0);
    await expect(client.start(request('b'))).rejects.toMatchObject({ code: 'supervisor_failed' });
  });

  test('a log that breaks off is a failure, one that is left is none', async () => {
    const lines = client.logs('a', { follow: true, signal: new AbortController().signal })[Symbol.asyncIterator]();
    served.reports.get('a')!.log('stdout', 'hello');
    expect((await lines.next()).value).toMatchObject({ stream: 'stdout', text: 'hello' });
    served.server.closeAllConnections();
    await expect(lines.next()).rejects.toMatchObject({ code: 'supervisor_failed' });
  });
});
