import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { outputOf, resultOf, started, submitted } from '../../test/contract/store-samples.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { namingMs, type Asset, type Assets } from '../assets/assets.ts';
import { createMemoryAssets } from '../assets/memory.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { Sweeper } from './retention.ts';

const day = 86_400_000;
const bytes = Buffer.from('the same bytes');
let clock: VirtualClock;
let store: Store;
let assets: Assets;

beforeEach(() => {
  clock = new VirtualClock(100 * day);
  store = createMemoryStore();
  assets = createMemoryAssets(clock);
});

/** Sweeps; `between` happens after the store has said which files nobody names, and before they go. */
const sweep = (between: () => Promise<unknown> = async () => undefined) => {
  const interrupted: Store = {
    ...store,
    async sweep(input) {
      const swept = await store.sweep(input);
      await between();
      return swept;
    },
  };
  const retention = { jobsMs: 30 * day, outputsMs: 7 * day, uploadsMs: day };
  return new Sweeper({ store: interrupted, assets, clock, log: pino({ level: 'silent' }), retention }).sweep();
};

const touch = ({ id, bytes: size }: Asset, kind: 'upload' | 'output' = 'upload') =>
  store.touchAsset({ id, bytes: size, kind, at: clock.now() });
const upload = async (): Promise<Asset> => {
  const asset = await assets.put(bytes);
  await touch(asset);
  return asset;
};
const isThere = (id: string) =>
  assets.bytes(id).then(
    () => true,
    () => false,
  );

test('old uploads go', async () => {
  const { id } = await upload();
  await clock.runFor(day - 1);
  expect(await sweep()).toEqual({ jobs: 0, files: 0 });
  await clock.runFor(2);
  expect(await sweep()).toEqual({ jobs: 0, files: 1 });
  expect(await isThere(id)).toBe(false);
});

describe('a file that somebody puts again while it is about to go', () => {
  let old: Asset;
  beforeEach(async () => {
    old = await upload();
    await clock.runFor(2 * day);
  });

  test('stays for an upload that names it before it goes', async () => {
    expect(await sweep(upload)).toEqual({ jobs: 0, files: 0 });
    expect(await isThere(old.id)).toBe(true);
  });

  test('stays for an upload that names it after the sweep', async () => {
    await sweep(() => assets.put(bytes));
    await touch(old);
    await clock.runFor(day - 1);
    await sweep();
    expect(await isThere(old.id)).toBe(true);
  });

  test('stays for one that was put before the sweep and is named after it', async () => {
    await assets.put(bytes);
    await sweep();
    await touch(old);
    expect(await isThere(old.id)).toBe(true);
  });

  test('stays for whoever names an upload by its id', async () => {
    await sweep(() => assets.keep(old.id));
    expect(await isThere(old.id)).toBe(true);
  });

  test('stays for the output of a job whose result is recorded later', async () => {
    await submitted(store, 'a', {}, clock.now());
    const { token } = await started(store, 'a', 'container-1', clock.now());
    await sweep(() => assets.put(bytes));
    await store.finishAttempt(resultOf('a', token, { at: clock.now(), outputs: [outputOf(old.id)] }));
    await clock.runFor(6 * day);
    await sweep();
    expect(await isThere(old.id)).toBe(true);
    await clock.runFor(2 * day);
    await sweep();
    expect(await isThere(old.id)).toBe(false);
  });

  test('goes in the end when nobody came to name it', async () => {
    await sweep(() => assets.put(bytes));
    await clock.runFor(namingMs);
    expect(await sweep()).toEqual({ jobs: 0, files: 0 });
    await clock.runFor(1);
    expect(await sweep()).toEqual({ jobs: 0, files: 1 });
    expect(await isThere(old.id)).toBe(false);
  });
});
