import { describe, expect, test } from 'vitest';
import { advance, secondsByUse, type Container, type ContainerEvent, type ContainerState } from './container.ts';

const endpoint = { url: 'http://127.0.0.1:1' };

function container(more: Partial<Container> = {}): Container {
  return {
    id: 'c',
    workspace: 'local',
    environment: 'production',
    deployment: 'collage',
    revision: 'r',
    runtime: 'emulated',
    host: 'h',
    device: 'gpu0',
    gpu: 'A10G',
    share: 1,
    epoch: 1,
    state: 'starting',
    endpoint: null,
    startedAt: 0,
    readyAt: null,
    stoppedAt: null,
    startReason: 'test',
    stopReason: null,
    failure: null,
    phases: [],
    jobsDone: 0,
    busySeconds: 0,
    usdPerHour: 1.1,
    inFlight: 0,
    idleSince: null,
    busySince: null,
    modelKey: '',
    ...more,
  };
}

const apply = (start: Container, ...events: ContainerEvent[]): Container => events.reduce(advance, start);

const ready: ContainerEvent = { type: 'ready', at: 10, endpoint };
const started = (at: number): ContainerEvent => ({ type: 'job_started', at, modelKey: 'm' });
const ended = (at: number): ContainerEvent => ({ type: 'job_ended', at, done: true });
const drain: ContainerEvent = { type: 'drain', reason: 'r' };
const stopped = (at: number): ContainerEvent => ({ type: 'stopped', at, reason: 'r' });
const lost: ContainerEvent = { type: 'lost', code: 'container_lost', message: 'read ECONNRESET' };
const failed = (at: number): ContainerEvent => ({ type: 'failed', at, code: 'crashed', message: 'm' });

test('the first model is a part of its start, though it is loaded later; others are not', () => {
  const loaded = (from: number): ContainerEvent => ({ type: 'loaded', from, to: from + 3, seconds: { CheckpointLoaderSimple: 2 } });
  const { phases } = apply(container(), { type: 'phase', phase: 'process', at: 0 }, ready, started(20), loaded(21), ended(30), loaded(40));
  expect(phases).toEqual([
    { phase: 'process', from: 0, to: 10 },
    { phase: 'models', from: 21, to: 24, detail: { CheckpointLoaderSimple: 2 } },
  ]);
});

describe('states', () => {
  test.each<[string, ContainerEvent[], ContainerState]>([
    ['a start that is under way', [], 'starting'],
    ['ready', [ready], 'ready'],
    ['a job makes it busy', [ready, started(20)], 'busy'],
    ['two jobs, one ends', [ready, started(20), started(21), ended(30)], 'busy'],
    ['the last job ends', [ready, started(20), ended(30)], 'ready'],
    ['draining while busy stays draining after the job', [ready, started(20), drain, ended(30)], 'draining'],
    ['stopped', [ready, drain, stopped(40)], 'stopped'],
    ['a start that is given up', [drain, stopped(5)], 'stopped'],
    ['a start that fails', [failed(5)], 'failed'],
    ['lost to a job, and then gone', [ready, started(20), lost, ended(25), stopped(27)], 'failed'],
    ['a crash while busy', [ready, started(20), failed(25)], 'failed'],
    ['ready comes after it was told to go', [drain, ready], 'draining'],
    ['nothing revives a stopped one', [stopped(5), ready, started(6)], 'stopped'],
    ['nothing revives a failed one', [failed(5), ready, drain], 'failed'],
  ])('%s', (_what, events, state) => {
    expect(apply(container(), ...events).state).toBe(state);
  });
});

test('a GPU that its server tells at last stands in its record', () => {
  const found = { gpu: 'H100', share: 1, usdPerHour: 4 };
  expect(apply(container({ gpu: null, share: 0, usdPerHour: null }), { type: 'ready', at: 10, endpoint, found })).toMatchObject(found);
});

test('what became of it stands in the place of what a job saw', () => {
  const gone = apply(container(), ready, started(20), lost, ended(25));
  expect(gone).toMatchObject({ state: 'draining', failure: { code: 'container_lost', message: 'read ECONNRESET' } });
  expect(apply(gone, failed(26)).failure).toEqual({ code: 'crashed', message: 'm' });
});

test('phases follow each other without a gap and end with readiness', () => {
  const phases = apply(container(), { type: 'phase', at: 0, phase: 'process' }, { type: 'phase', at: 4, phase: 'imports' }, ready).phases;
  expect(phases).toEqual([
    { phase: 'process', from: 0, to: 4 },
    { phase: 'imports', from: 4, to: 10 },
  ]);
});

test('seconds of its life are split into starting, busy and idle, and sum to it', () => {
  const lived = apply(
    container(),
    { ...ready, at: 10_000 },
    started(12_000),
    started(13_000),
    ended(15_000),
    ended(20_000),
    stopped(50_000),
  );
  expect(secondsByUse(lived, 99_000)).toEqual({ starting: 10, busy: 8, idle: 32 });
  expect(secondsByUse(apply(container(), failed(7_000)), 99_000)).toEqual({ starting: 7, busy: 0, idle: 0 });
  const running = apply(container(), { ...ready, at: 10_000 }, started(12_000));
  expect(secondsByUse(running, 14_000)).toEqual({ starting: 10, busy: 2, idle: 2 });
});
