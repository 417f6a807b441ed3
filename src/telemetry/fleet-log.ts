import type { Logger } from 'pino';
import type { FleetBusEvent } from '../bus/events.ts';
import { isAlive, type ContainerRecord, type ContainerState } from '../fleet/container.ts';
import type { ToldJob, JobEvent } from '../jobs/job.ts';

/**
 * What happens in the fleet, in the log: each step of a container's life with its reason, and jobs that did not go well. What jobs do
 * when all is well is at `debug`: at hundreds a second it would be most of the log, and the store has it. The words of a job's error stay in
 * the store too: a node's complaint can quote the prompt.
 */
export function createFleetLog(log: Logger): { observe(event: FleetBusEvent): void } {
  const states = new Map<string, ContainerState>();
  return {
    observe(event) {
      if (event.kind === 'job') logJob(log, event.job, event.change);
      if (event.kind !== 'container') return;
      const { container } = event;
      const before = states.get(container.id) ?? null;
      if (isAlive(container.state)) states.set(container.id, container.state);
      else states.delete(container.id);
      if (before !== container.state) logContainer(log, container, before);
    },
  };
}

function logContainer(log: Logger, container: ContainerRecord, before: ContainerState | null): void {
  const { id, deployment, host, device, startedAt, readyAt, stoppedAt } = container;
  const fields = { component: 'fleet', container_id: id, deployment, host, device };
  switch (container.state) {
    case 'starting':
      return log.info({ event: 'container_starting', ...fields, reason: container.startReason }, 'a container starts');
    case 'ready':
      // Back from a job, it was ready before.
      if (before === 'busy') return;
      return log.info({ event: 'container_ready', ...fields, start_s: seconds(startedAt, readyAt) }, 'a container is ready');
    case 'draining':
      return log.info({ event: 'container_draining', ...fields, reason: container.stopReason }, 'a container takes no more jobs');
    case 'stopped':
      return log.info(
        {
          event: 'container_stopped',
          ...fields,
          reason: container.stopReason,
          life_s: seconds(startedAt, stoppedAt),
          jobs: container.jobsDone,
        },
        'a container has stopped',
      );
    case 'failed':
      return log.warn(
        { event: 'container_failed', ...fields, code: container.failure?.code, reason: container.failure?.message },
        'a container failed',
      );
    default:
  }
}

const seconds = (from: number, to: number | null): number | null => (to === null ? null : (to - from) / 1000);

function logJob(log: Logger, job: ToldJob, change: JobEvent['type']): void {
  const { id, deployment, container, error } = job;
  const fields = { event: `job_${change}`, component: 'jobs', job_id: id, deployment, container_id: container };
  if (change === 'requeued') log.warn({ ...fields, attempts: job.attempts }, 'a job is tried again');
  else if (change === 'failed' || change === 'expired') log.warn({ ...fields, code: error?.code }, `a job ${change}`);
  else log.debug(fields, 'a job went on');
}
