import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../test/support/virtual-clock.ts';
import { Dispatcher } from './dispatcher.ts';
import { Overlap } from './overlap.ts';

const clock = new VirtualClock();
let dispatcher: Dispatcher;
let overlap: Overlap;
let enabled: boolean;
/** After so long on the GPU another prompt can be sent; null: that cannot be told. */
let nextAfterMs: number | null;
/** Times at which a container got a place more, from `begin` on. */
let opened: number[];
let begin: number;

beforeEach(() => {
  dispatcher = new Dispatcher();
  dispatcher.addContainer({ id: 'c', maxInputs: 1, inFlight: 0, modelKey: '', at: 0 });
  enabled = true;
  nextAfterMs = null;
  opened = [];
  begin = clock.now();
  const observations = { nextAt: () => (nextAfterMs === null ? null : clock.now() + nextAfterMs) };
  overlap = new Overlap({ clock, observations, dispatcher, enabled: () => enabled, onOpen: () => opened.push(clock.now() - begin) });
});

/** The next job in the queue goes to the container, if that has a place. */
function bind(id: string): boolean {
  dispatcher.queue.add({ id, priority: 0, number: 0, key: null, modelKey: '', createdAt: clock.now(), behind: null });
  const assignment = dispatcher.next(clock.now(), 1);
  if (assignment) overlap.bound(id, assignment.container);
  else dispatcher.queue.remove(id);
  return assignment !== undefined;
}

function end(id: string): void {
  overlap.ended(id);
  dispatcher.jobEnded('c', clock.now());
}

test('where its time cannot be told the next prompt comes when the GPU is freed, before the outputs are collected', async () => {
  bind('a');
  await clock.runFor(400);
  overlap.taken('a');
  await clock.runFor(3_500);
  expect(bind('b')).toBe(false);
  overlap.freed('a');
  expect(opened).toEqual([3_900]);
  expect(bind('b')).toBe(true);
  expect(bind('c')).toBe(false);
});

test('else it comes at that time, and the end of the prompt before it lets nobody come again', async () => {
  nextAfterMs = 3_100;
  bind('a');
  await clock.runFor(400);
  overlap.taken('a');
  await clock.runFor(3_099);
  expect([opened, bind('b')]).toEqual([[], false]);
  await clock.runFor(1);
  expect([opened, bind('b')]).toEqual([[3_500], true]);
  overlap.freed('a');
  expect([opened, bind('c')]).toEqual([[3_500], false]);
});

test('a prompt that ends sooner than its time lets the next one come at once and only once', async () => {
  nextAfterMs = 3_100;
  bind('a');
  overlap.taken('a');
  await clock.runFor(1_000);
  overlap.freed('a');
  await clock.runFor(10_000);
  expect(opened).toEqual([1_000]);
});

test('only the first word that the GPU took it counts', async () => {
  nextAfterMs = 3_000;
  bind('a');
  overlap.taken('a');
  await clock.runFor(1_000);
  nextAfterMs = 500;
  overlap.taken('a');
  await clock.runFor(10_000);
  expect(opened).toEqual([3_000]);
});

describe('at most one prompt waits', () => {
  test('one that came early lets nobody come before the GPU took it', async () => {
    nextAfterMs = 3_100;
    bind('b');
    overlap.taken('b');
    await clock.runFor(60_000);
    expect(bind('c')).toBe(true);
    expect(bind('d')).toBe(false);
    overlap.freed('b');
    expect(bind('d')).toBe(false);
    overlap.taken('c');
    expect(bind('d')).toBe(false);
    end('b');
    expect(bind('d')).toBe(false);
    overlap.freed('c');
    expect(bind('d')).toBe(true);
  });

  test('a place is taken back with the job that gave it', () => {
    bind('b');
    overlap.taken('b');
    overlap.freed('b');
    end('b');
    expect(bind('c')).toBe(true);
    expect(bind('d')).toBe(false);
  });
});

test('not wanted, nothing opens, neither at its time nor at the end', async () => {
  enabled = false;
  nextAfterMs = 1_000;
  bind('b');
  overlap.taken('b');
  await clock.runFor(10_000);
  overlap.freed('b');
  expect([opened, bind('c')]).toEqual([[], false]);
});

test('what is no longer wanted when its time comes does not open', async () => {
  nextAfterMs = 1_000;
  bind('b');
  overlap.taken('b');
  enabled = false;
  await clock.runFor(10_000);
  expect([opened, bind('c')]).toEqual([[], false]);
});

test('a job that is gone leaves no timer and no place', async () => {
  nextAfterMs = 1_000;
  bind('b');
  overlap.taken('b');
  end('b');
  await clock.runFor(10_000);
  expect(opened).toEqual([]);
  expect(bind('c')).toBe(true);
  expect(bind('d')).toBe(false);
});

test('closed, no timer is left', async () => {
  nextAfterMs = 1_000;
  bind('b');
  overlap.taken('b');
  overlap.close();
  await clock.runFor(10_000);
  expect(opened).toEqual([]);
});

test('words about a job that nobody knows change nothing', () => {
  overlap.taken('x');
  overlap.freed('x');
  overlap.ended('x');
  expect(opened).toEqual([]);
});
