import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerRecord, Slot, StartPhase } from '../../src/fleet/container.ts';
import type { LogLine, RunningContainer, Runtime, RuntimeEvent } from '../../src/runtimes/runtime.ts';
import { Events } from '../support/supervised.ts';

/** A runtime to test, with nothing in it. */
export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** Makes the server at this address die. */
  crash(url: string): Promise<void>;
  /** Starts what has crashed anew, where the runtime does not. */
  mend?(): Promise<void>;
  /** The runtime of a gateway that comes after one that died; `left` is what the store says is alive. */
  again(left: readonly ContainerRecord[]): Promise<Runtime>;
  dispose(): Promise<void>;
}

export interface RuntimeTraits {
  /** Phases of a start, in order. */
  readonly phases: readonly StartPhase[];
  /** Does it own its containers? It then refuses former controllers, and takes its containers along when it is closed. */
  readonly owner: boolean;
  /** Codes of a container whose server has died. */
  readonly crashCode: Extract<RuntimeEvent, { type: 'exited' }>['code'];
}

/** What every adapter of the runtime's port must hold. */
export function runtimeContract(name: string, { phases, owner, crashCode }: RuntimeTraits, make: () => Promise<RuntimeUnderTest>): void {
  describe(`runtime contract: ${name}`, () => {
    let subject: RuntimeUnderTest;
    let runtime: Runtime;
    let events: Events;
    let slot: Slot;
    let number = 0;
    let epoch = 1;
    const ids: string[] = [];

    beforeAll(async () => {
      subject = await make();
      ({ runtime } = subject);
      events = new Events(runtime);
      slot = (await runtime.slots())[0]!;
    });
    afterEach(async () => {
      await Promise.all(ids.splice(0).map((id) => runtime.stop({ id, epoch, graceMs: 0 })));
    });
    afterAll(() => subject.dispose());

    const specOf = (id: string) => ({ id, epoch, slot, deployment: 'phoenix', revision: 'r1' });
    const newId = (): string => {
      const id = `${name}-${++number}`;
      ids.push(id);
      return id;
    };
    const started = async (): Promise<{ id: string; url: string }> => {
      const id = newId();
      await runtime.start(specOf(id));
      return { id, url: (await events.ready(id)).endpoint.url };
    };
    const listed = async (id: string) => (await runtime.list()).find((container) => container.id === id);
    const answers = async (url: string): Promise<boolean> =>
      fetch(`${url}/system_stats`).then(
        (answer) => answer.ok,
        () => false,
      );
    const readLog = async (id: string, follow: boolean, signal = new AbortController().signal): Promise<LogLine[]> => {
      const lines: LogLine[] = [];
      for await (const line of runtime.logs(id, { follow, signal })) lines.push(line);
      return lines;
    };

    test('a start goes through its phases until the container is ready and answers', async () => {
      const id = newId();
      await runtime.start(specOf(id));
      expect(await listed(id)).toMatchObject(specOf(id));
      const { endpoint, at } = await events.ready(id);
      const own = events.of(id);
      expect(own.map((event) => (event.type === 'phase' ? event.phase : event.type))).toEqual([...phases, 'ready']);
      expect(own.map((event) => event.at)).toEqual(own.map((event) => event.at).toSorted((a, b) => a - b));
      const container = await listed(id);
      expect(container).toMatchObject({ ...specOf(id), state: 'ready', endpoint, readyAt: at });
      expect(container!.startedAt).toBeLessThanOrEqual(at);
      expect(await answers(endpoint.url)).toBe(true);
    });

    test('a start of an id that is there does nothing', async () => {
      const { id } = await started();
      const before = await runtime.list();
      await runtime.start({ ...specOf(id), revision: 'another' });
      expect(await runtime.list()).toEqual(before);
      expect(events.of(id).filter((event) => event.type === 'ready')).toHaveLength(1);
    });

    test('a stopped container is gone once stop has settled, and was not lost', async () => {
      const { id, url } = await started();
      await runtime.stop({ id, epoch, graceMs: 5_000 });
      expect(await listed(id)).toBeUndefined();
      expect(await answers(url)).toBe(!owner);
      const next = await started();
      expect(events.of(next.id).at(-1)).toMatchObject({ type: 'ready' });
      expect(events.of(id).some((event) => event.type === 'exited')).toBe(false);
    });

    test('stops of an unknown id and of one that is being stopped settle', async () => {
      const { id } = await started();
      await runtime.stop({ id: 'nobody', epoch, graceMs: 0 });
      await Promise.all([1, 2, 3].map(() => runtime.stop({ id, epoch, graceMs: 5_000 })));
      expect(await listed(id)).toBeUndefined();
    });

    test('a container that is stopped while it starts is gone, and was not lost', async () => {
      const id = newId();
      await runtime.start(specOf(id));
      await runtime.stop({ id, epoch, graceMs: 5_000 });
      expect(await listed(id)).toBeUndefined();
      await started();
      // A quick one may have become ready before it heard of the stop.
      expect(events.of(id).some((event) => event.type === 'exited')).toBe(false);
    });

    test('a container that dies is reported once, and is gone', async () => {
      const { id, url } = await started();
      await subject.crash(url);
      const exited = await events.exited(id);
      expect(exited).toMatchObject({ code: crashCode });
      expect(exited.message).not.toBe('');
      expect(await listed(id)).toBeUndefined();
      await runtime.stop({ id, epoch, graceMs: 0 });
      expect(events.of(id).filter((event) => event.type === 'exited')).toHaveLength(1);
      await subject.mend?.();
    });

    test('logs: what there is; with follow, until the container is gone', async () => {
      const { id } = await started();
      const recent = await readLog(id, false);
      expect(recent.length).toBeGreaterThan(0);
      expect(recent.every((line) => line.at > 0 && typeof line.text === 'string')).toBe(true);
      const followed = readLog(id, true);
      const first = await runtime.logs(id, { follow: true, signal: new AbortController().signal })[Symbol.asyncIterator]().next();
      expect(first.value).toEqual(recent[0]);
      await runtime.stop({ id, epoch, graceMs: 5_000 });
      expect((await followed).slice(0, recent.length)).toEqual(recent);
    });

    test('logs: following ends with the signal or the reader; nobody has a log', async () => {
      const { id } = await started();
      const abort = new AbortController();
      const followed = readLog(id, true, abort.signal);
      for await (const line of runtime.logs(id, { follow: true, signal: abort.signal })) {
        expect(line.text).not.toBe('');
        break;
      }
      abort.abort();
      expect((await followed).every((line) => line.text !== undefined)).toBe(true);
      expect(await readLog('nobody', true)).toEqual([]);
    });

    test('a gateway that comes back finds the containers that were left, ready to go on', async () => {
      const { id, url } = await started();
      const container = (await listed(id))!;
      const next = await subject.again([recordOf(container)]);
      expect((await next.list()).find((found) => found.id === id)).toEqual(container);
      const heard = new Events(next);
      await subject.crash(url);
      expect(await heard.exited(id)).toMatchObject({ code: crashCode });
      expect((await next.list()).some((found) => found.id === id)).toBe(false);
      expect(heard.of(id).map(({ type }) => type)).toEqual(['exited']);
      await events.exited(id);
      await next.close({ stopAll: false, graceMs: 0 });
      await subject.mend?.();
    });

    if (owner) {
      test('a controller with a lower epoch than was seen is refused', async () => {
        const { id } = await started();
        epoch++;
        await runtime.start(specOf(newId()));
        await expect(runtime.start({ ...specOf('late'), epoch: epoch - 1 })).rejects.toMatchObject({ code: 'conflict' });
        await expect(runtime.stop({ id, epoch: epoch - 1, graceMs: 0 })).rejects.toMatchObject({ code: 'conflict' });
        expect(await listed(id)).toMatchObject({ state: 'ready' });
        expect(await listed('late')).toBeUndefined();
      });
    }

    // The last: nothing works after it.
    test('closing with stopAll takes along what it owns, and nothing else', async () => {
      const { url } = await started();
      ids.splice(0);
      const followed = readLog(`${name}-${number}`, true);
      await runtime.close({ stopAll: true, graceMs: 5_000 });
      await followed.catch(() => undefined);
      expect(await answers(url)).toBe(!owner);
    });
  });
}

/** What a store keeps of a container. */
function recordOf({ slot, ...container }: RunningContainer): ContainerRecord {
  return {
    ...container,
    ...slot,
    workspace: 'local',
    environment: 'production',
    runtime: 'any',
    stoppedAt: null,
    startReason: '',
    stopReason: null,
    failure: null,
    phases: [],
    jobsDone: 0,
    busySeconds: 0,
    usdPerHour: null,
  };
}
