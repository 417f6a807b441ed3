import { expect, test } from 'vitest';
import { createSystemClock } from '../fleet/system-clock.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import type { TraceJob } from '../planning/trace.ts';
import { replay, type ReplayInput } from './replay.ts';
import { createReplayer, type ReplayTask } from './replayer.ts';

const jobs = Array.from({ length: 30 }, (_, n): TraceJob => ({
  arrivalMs: n * 2_000,
  serviceMs: 3_000,
  model: '',
  user: null,
  workflow: '',
}));
const timing = { startMs: 2_000, beforeMs: 0, afterMs: 0, loadMs: 0 };
const input: ReplayInput = { jobs, scaling: defaultScaling, timing, slots: 10, horizonMs: 60_000, usdPerHour: null };
const task: ReplayTask = { input, known: null };

const clock = createSystemClock();
const never = new AbortController().signal;
const workerOf = (code: string): URL =>
  new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort as port, workerData } from 'node:worker_threads'; ${code}`)}`);
const runs = `port.postMessage({ kind: 'runs', runs: 'runs', possible: {} });`;
const replayIn = (module: URL, { limitMs = 60_000, signal = never } = {}) => createReplayer({ clock, limitMs, module })(task, signal);

test('the thread says what a replay says, and the bound', async () => {
  const replayed = await createReplayer({ clock, limitMs: 60_000 })(task, never);
  expect(replayed).toMatchObject({ runs: replay(input), possible: { share: 1 }, boundNote: null });
  expect(replayed.bound?.gpuSeconds).toBeGreaterThanOrEqual(92);
  // What is known is not solved again.
  const again = await createReplayer({ clock, limitMs: 60_000 })({ input, known: replayed.bound }, never);
  expect(again).toEqual(replayed);
});

test('a target that cannot be met has no bound', async () => {
  const scaling = { ...defaultScaling, slo: { ...defaultScaling.slo, latencyMs: 2_000 } };
  const replayed = await createReplayer({ clock, limitMs: 60_000 })({ input: { ...input, scaling }, known: null }, never);
  expect(replayed).toMatchObject({ bound: null, boundNote: 'no policy can meet the target', possible: { share: 0, latencyMs: 3_000 } });
});

test('a thread that dies before it has anything to say', async () => {
  await expect(replayIn(workerOf('process.exit(3)'))).rejects.toThrow('its thread ended with code 3');
  await expect(replayIn(workerOf('throw new Error("no memory")'))).rejects.toThrow('no memory');
});

test('one that dies over the bound has said the rest', async () => {
  const replayed = await replayIn(workerOf(`${runs} setImmediate(() => { throw new Error('no solver') })`));
  expect(replayed).toEqual({ runs: 'runs', possible: {}, bound: null, boundNote: 'it could not be solved: no solver' });
});

test('one that takes too long is ended', async () => {
  await expect(replayIn(workerOf('for (;;);'), { limitMs: 50 })).rejects.toThrow('it took longer than 0.05 s');
});

test('stopping ends it, whatever it has said, and one that has not begun', async () => {
  const stopping = new AbortController();
  const replaying = replayIn(workerOf(`${runs} for (;;);`), { signal: stopping.signal });
  setTimeout(() => stopping.abort(), 200);
  await expect(replaying).rejects.toThrow('it was stopped');
  await expect(replayIn(workerOf('for (;;);'), { signal: stopping.signal })).rejects.toThrow('it was stopped');
});
