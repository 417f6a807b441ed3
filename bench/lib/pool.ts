import { advance, type Container } from '../../src/fleet/container.ts';
import type { QueuedJob } from '../../src/fleet/dispatch/queue.ts';
import { Pool } from '../../src/fleet/pool.ts';
import { defaultScaling, type ScalingSettings } from '../../src/fleet/scaling/settings.ts';
import { simulatedDeployment } from '../../src/planning/simulated-deployment.ts';
import { Timeline } from '../../src/planning/timeline.ts';

/** A deployment without containers and jobs, and its clock. */
export function emptyPool(scaling: Partial<ScalingSettings> = {}): { subject: Pool; clock: Timeline } {
  const deployment = simulatedDeployment({ ...defaultScaling, ...scaling });
  const clock = new Timeline();
  return { subject: new Pool(deployment, { clock, onOpen: () => undefined, prior: {} }), clock };
}

/** Every third has the same priority, every hundredth the same key, every seventh the same models. */
export const job = (n: number): QueuedJob => ({
  id: `j${String(n).padStart(9, '0')}`,
  priority: n % 3,
  number: n,
  key: `k${n % 100}`,
  modelKey: `m${n % 7}`,
  createdAt: n,
  behind: null,
});

/** Puts in containers that take jobs, numbered from 0. */
export function addReady(subject: Pool, count: number): void {
  addIdle(subject, count, 0);
  for (let n = 0; n < count; n++) {
    subject.dispatcher.addContainer({ id: containerId(n), maxInputs: 1, inFlight: 0, modelKey: `m${n % 7}`, at: n });
  }
}

/** Puts in containers, from number `from` on, that are ready but get no job. */
export function addIdle(subject: Pool, count: number, from: number): void {
  for (let n = from; n < from + count; n++) subject.put(readyContainer(containerId(n)));
}

/** Puts in containers that are starting since `at`, from number `from` on. */
export function addStarting(subject: Pool, count: number, from: number, at: number): void {
  for (let n = from; n < from + count; n++) {
    subject.put({ ...readyContainer(containerId(n)), state: 'starting', startedAt: at, readyAt: null, idleSince: null });
  }
}

/** The container has begun with a job. */
export function begin(subject: Pool, id: string, at: number, modelKey = ''): void {
  subject.put(advance(subject.containers.get(id)!, { type: 'job_started', at, modelKey }));
}

/** The container's only job has ended. */
export function end(subject: Pool, id: string, at: number): void {
  subject.put(advance(subject.containers.get(id)!, { type: 'job_ended', at, done: true }));
}

const containerId = (n: number): string => `c${String(n).padStart(6, '0')}`;

function readyContainer(id: string): Container {
  const slot = { host: 'h', device: 'gpu0', gpu: 'A10G', share: 1 };
  const place = { workspace: 'local', environment: 'production', deployment: 'bench', revision: 'r', runtime: 'emulated', epoch: 1 };
  const life = { startedAt: 0, readyAt: 1, stoppedAt: null, startReason: '', stopReason: null, failure: null, phases: [] };
  const work = { jobsDone: 0, busySeconds: 0, usdPerHour: 1.1, inFlight: 0, idleSince: 1, busySince: null, modelKey: '' };
  return { id, ...slot, ...place, ...life, ...work, state: 'ready', endpoint: { url: '' } };
}
