import type { FastifyRequest } from 'fastify';
import { ComfleetError } from '../../errors.ts';
import type { Job } from '../../jobs/job.ts';
import type { ApiContext } from '../context.ts';

/** The job of the path's `:id`. Keys with the role invoke see only their own: of others they do not learn that they exist. */
export async function ownJob({ jobs }: ApiContext, request: FastifyRequest): Promise<Job> {
  const { id } = request.params as { id: string };
  const job = await jobs.get(id);
  const { role, key } = request.principal;
  if (role !== 'admin' && job.key !== key) throw new ComfleetError('unknown_job', `There is no job ${id}`);
  return job;
}
