import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/supervised.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { Launched, Launcher, Report } from './launcher.ts';
import type { StartRequest } from './protocol.ts';
import { Supervisor } from './supervisor.ts';

const endpoint = { url: 'http://127.0.0.1:1' };
const request = (id: string, epoch = 1): StartRequest => ({
  id,
  epoch,
  slot: { host: 'here', device: 'cpu0', gpu: null, share: 0 },
  deployment: 'phoenix',
  revision: 'r1',
  launch: { kind: 'emulated', profile: 'instant' },
});

describe('Supervisor', () => {
  let folder: TemporaryFolder;
  let clock: VirtualClock;
  let launched: Map<string, { report: Report; stops: number[]; end: () => void }>;
  let abandoned: number;
  let troubles: unknown[];
  let supervisor: Supervisor;

  /** Containers that do what the test says; a stop waits for `end`. */
  const launcher: Launcher = {
    launch({ id }, _folder, report): Launched {
      if (id.startsWith('impossible')) throw new Error('it cannot be');
      const gone = Promise.withResolvers<void>();
      const stops: number[] = [];
      launched.set(id, { report, stops, end: gone.resolve });
      return {
        stop(graceMs) {
          stops.push(graceMs);
          return gone.promise;
        },
      };
    },
  };
  const create = (): Supervisor =>
    new Supervisor({
      clock,
      folder: folder.path,
      launchers: { emulated: launcher, process: launcher },
      leaseMs: 60_000,
      onAbandoned: () => abandoned++,
      report: (error) => troubles.push(error),
    });
  const container = (id: string) => launched.get(id)!;
  const told = () =>
    supervisor.since(0)!.map(({ seq, event }) => [seq, event.type, event.type !== 'phase' && 'code' in event && event.code]);

  beforeEach(() => {
    folder = temporaryFolder();
    clock = new VirtualClock(Date.UTC(2030, 0));
    launched = new Map();
    abandoned = 0;
    troubles = [];
    supervisor = create();
  });
  afterEach(() => {
    folder.remove();
    expect(troubles).toEqual([]);
  });

  test('stops everything when the lease was not renewed in time, and says so when all are gone', async () => {
    supervisor.start(request('a'));
    await clock.runFor(59_000);
    supervisor.renewLease();
    await clock.runFor(59_999);
    expect(container('a').stops).toEqual([]);
    await clock.runFor(1);
    expect(container('a').stops).toEqual([0]);
    expect(abandoned).toBe(0);
    for (const action of [() => supervisor.start(request('b')), () => supervisor.renewLease(), () => supervisor.seq]) {
      expect(action).toThrow(expect.objectContaining({ code: 'supervisor_failed' }) as Error);
    }
    container('a').end();
    await expect.poll(() => abandoned).toBe(1);
    expect(supervisor.list()).toEqual([]);
  });

  test('a container that ends while it is being stopped was not lost', async () => {
    supervisor.start(request('a'));
    const stopped = supervisor.stop('a', 1, 5_000);
    container('a').report.ready(endpoint);
    container('a').report.exited('crashed', 'it ended');
    container('a').end();
    await stopped;
    expect(told()).toEqual([]);
    expect(supervisor.list()).toEqual([]);
  });

  test('a container that has ended is told of once, is gone at once, and what it leaves is cleared away', async () => {
    supervisor.start(request('a'));
    const place = join(folder.path, 'containers', 'a');
    expect(existsSync(place)).toBe(true);
    container('a').report.exited('crashed', 'it ended');
    container('a').report.exited('crashed', 'again');
    expect(supervisor.list()).toEqual([]);
    await supervisor.stopAll(0);
    expect(told()).toEqual([[1, 'exited', 'crashed']]);
    await expect.poll(() => existsSync(place)).toBe(false);
    expect(container('a').stops).toEqual([]);
  });

  test('a launch that throws is a failed start, and leaves nothing', async () => {
    supervisor.start(request('impossible'));
    expect(told()).toEqual([[1, 'exited', 'start_failed']]);
    expect(supervisor.list()).toEqual([]);
    await expect.poll(() => existsSync(join(folder.path, 'containers', 'impossible'))).toBe(false);
  });

  test('events after a number; forgotten ones are told apart from none', () => {
    supervisor.start(request('a'));
    expect(supervisor.since(0)).toEqual([]);
    const { report } = container('a');
    for (let n = 0; n < 20_001; n++) report.phase('process', { at: n });
    expect(supervisor.seq).toBe(20_001);
    expect(supervisor.since(20_000)).toMatchObject([{ seq: 20_001, event: { type: 'phase', id: 'a', at: 20_000 } }]);
    expect(supervisor.since(20_001)).toEqual([]);
    expect(supervisor.since(10_001)).toHaveLength(10_000);
    expect(supervisor.since(10_000)).toBeNull();
  });

  test('refuses a lower epoch than it has seen', async () => {
    supervisor.start(request('a', 5));
    expect(() => supervisor.start(request('b', 4))).toThrow(expect.objectContaining({ code: 'conflict' }) as Error);
    await expect(supervisor.stop('a', 4, 0)).rejects.toMatchObject({ code: 'conflict' });
    expect(container('a').stops).toEqual([]);
  });

  test('clears away what a former one has left: folders of containers, and logs of more than a week', () => {
    mkdirSync(join(folder.path, 'containers', 'old', 'output'), { recursive: true });
    const logs = ['old.ndjson', 'new.ndjson'].map((name) => join(folder.path, 'logs', name));
    for (const file of logs) writeFileSync(file, '');
    const weekAgo = clock.now() / 1000 - 7 * 86_400;
    utimesSync(logs[0]!, weekAgo - 1, weekAgo - 1);
    utimesSync(logs[1]!, weekAgo + 1, weekAgo + 1);
    create();
    expect(existsSync(join(folder.path, 'containers', 'old'))).toBe(false);
    expect(logs.map((file) => existsSync(file))).toEqual([false, true]);
  });
});
