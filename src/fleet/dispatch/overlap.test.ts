import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../test/support/virtual-clock.ts';
import { Estimates } from '../estimates.ts';
import { Dispatcher } from './dispatcher.ts';
import { Overlap } from './overlap.ts';

const clock = new VirtualClock();
let estimates: Estimates;
let dispatcher: Dispatcher;
let overlap: Overlap;
let enabled: boolean;
/** Times at which a container got a place more, from `begin` on. */
let opened: number[];
let begin: number;

beforeEach(() => {
  estimates = new Estimates();
  dispatcher = new Dispatcher();
  dispatcher.addContainer({ id: 'c', maxInputs: 1, inFlight: 0, modelKey: '', at: 0 });
  enabled = true;
  opened = [];
  begin = clock.now();
  overlap = new Overlap({ clock, estimates, dispatcher, enabled: () => enabled, onOpen: () => opened.push(clock.now() - begin) });
});

/** The next job in the queue goes to the container, if that has a place. */
function bind(id: string): boolean {
  dispatcher.queue.add({ id, priority: 0, number: 0, key: null, modelKey: '', createdAt: clock.now() });
  const assignment = dispatcher.next(clock.now(), 1);
  if (assignment) overlap.bound(id, assignment.container, 'w');
  else dispatcher.queue.remove(id);
  return assignment !== undefined;
}

function end(id: string): void {
  overlap.ended(id);
  dispatcher.jobEnded('c', clock.now());
}

/** A prompt alone on the container: 400 ms until the GPU, 3,500 ms on it, 500 ms after it. */
async function teach(id: string): Promise<void> {
  bind(id);
  await clock.runFor(400);
  overlap.taken(id);
  await clock.runFor(3_500);
  overlap.freed(id, true);
  await clock.runFor(500);
  end(id);
  begin = clock.now();
  opened = [];
}

test('with nothing learnt the next prompt comes when the GPU is freed, before the outputs are collected', async () => {
  bind('a');
  await clock.runFor(400);
  overlap.taken('a');
  await clock.runFor(3_500);
  expect(bind('b')).toBe(false);
  overlap.freed('a', true);
  expect(opened).toEqual([3_900]);
  expect(bind('b')).toBe(true);
  expect(bind('c')).toBe(false);
});

test('afterwards it comes earlier by what it takes to the GPU', async () => {
  await teach('a');
  expect([estimates.leadMs, estimates.gpuMs('w')]).toEqual([400, 3_500]);
  bind('b');
  await clock.runFor(300);
  overlap.taken('b');
  await clock.runFor(3_099);
  expect(opened).toEqual([]);
  await clock.runFor(25);
  // The lead is a mean of 400 and 300 ms by now: 380 ms.
  expect(opened).toEqual([300 + 3_500 - 380]);
  expect(bind('c')).toBe(true);
});

describe('at most one prompt waits', () => {
  test('one that came early lets nobody come before the GPU took it', async () => {
    await teach('a');
    bind('b');
    overlap.taken('b');
    await clock.runFor(60_000);
    expect(bind('c')).toBe(true);
    expect(bind('d')).toBe(false);
    overlap.freed('b', true);
    expect(bind('d')).toBe(false);
    overlap.taken('c');
    expect(bind('d')).toBe(false);
    end('b');
    expect(bind('d')).toBe(false);
    overlap.freed('c', true);
    expect(bind('d')).toBe(true);
  });

  test('a place is taken back with the job that gave it', async () => {
    await teach('a');
    bind('b');
    overlap.taken('b');
    overlap.freed('b', true);
    end('b');
    expect(bind('c')).toBe(true);
    expect(bind('d')).toBe(false);
  });
});

test('a prompt that waited for the GPU teaches no lead, one that was cut off no GPU time', async () => {
  await teach('a');
  bind('b');
  overlap.taken('b');
  await clock.runFor(3_200);
  expect(bind('c')).toBe(true);
  await clock.runFor(5_000);
  const before = estimates.leadMs;
  overlap.freed('b', false);
  overlap.taken('c');
  expect([estimates.leadMs, estimates.gpuMs('w')]).toEqual([before, 3_500]);
});

test('not wanted, nothing opens, but what prompts teach is learnt', async () => {
  enabled = false;
  await teach('a');
  bind('b');
  overlap.taken('b');
  await clock.runFor(10_000);
  overlap.freed('b', true);
  expect(opened).toEqual([]);
  expect(bind('c')).toBe(false);
  expect(estimates.gpuMs('w')).toBeGreaterThan(3_500);
});

test('a job that is gone leaves no timer and no place', async () => {
  await teach('a');
  bind('b');
  overlap.taken('b');
  end('b');
  await clock.runFor(10_000);
  expect(opened).toEqual([]);
  expect(bind('c')).toBe(true);
  expect(bind('d')).toBe(false);
});
