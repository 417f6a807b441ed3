import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { FleetBusEvent } from '../bus/events.ts';
import type { ContainerRecord } from '../fleet/container.ts';
import type { Job } from '../jobs/job.ts';
import { createFleetLog } from './fleet-log.ts';

const container = { id: 'c1', deployment: 'collage', host: 'h', device: 'gpu0', startedAt: 1_000, jobsDone: 2, startReason: 'demand' };
const job = { id: 'j1', deployment: 'collage', container: 'c1', attempts: 1, error: { code: 'workflow_error', message: 'node 3 failed' } };

function logged(events: unknown[]): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'info', base: null, timestamp: false },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const fleetLog = createFleetLog(log);
  for (const event of events) fleetLog.observe(event as FleetBusEvent);
  return lines;
}

const seen = (change: Partial<ContainerRecord>): unknown => ({ kind: 'container', container: { ...container, ...change }, inFlight: 0 });
const changed = (change: string, more: Partial<Job> = {}): unknown => ({ kind: 'job', job: { ...job, ...more }, change });

test('each step of a container’s life once, with its reason', () => {
  const lines = logged([
    seen({ state: 'starting' }),
    seen({ state: 'starting' }),
    seen({ state: 'ready', readyAt: 21_000 }),
    seen({ state: 'busy', readyAt: 21_000 }),
    seen({ state: 'ready', readyAt: 21_000 }),
    seen({ state: 'draining', stopReason: 'idle' }),
    seen({ state: 'stopped', stopReason: 'idle', stoppedAt: 61_000 }),
  ]);
  expect(lines.map(({ event }) => event)).toEqual(['container_starting', 'container_ready', 'container_draining', 'container_stopped']);
  expect(lines[0]).toMatchObject({ container_id: 'c1', device: 'gpu0', reason: 'demand' });
  expect(lines[1]).toMatchObject({ start_s: 20 });
  expect(lines[3]).toMatchObject({ reason: 'idle', life_s: 60, jobs: 2 });
});

test('a container that failed, with why', () => {
  const failure = { code: 'crashed', message: 'it was killed by SIGKILL' };
  expect(logged([seen({ state: 'failed', failure })])).toMatchObject([
    { level: 40, event: 'container_failed', code: 'crashed', reason: 'it was killed by SIGKILL' },
  ]);
});

test('jobs that did not go well; the others only at debug', () => {
  const lines = logged([changed('queued'), changed('started'), changed('succeeded'), changed('requeued'), changed('failed')]);
  expect(lines).toMatchObject([
    { event: 'job_requeued', job_id: 'j1', attempts: 1 },
    { event: 'job_failed', code: 'workflow_error' },
  ]);
  expect(JSON.stringify(lines)).not.toContain('node 3');
});
