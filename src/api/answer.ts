import type { FastifyReply, FastifyRequest } from 'fastify';
import { ComfleetError } from '../errors.ts';
import { isFinal, type Job } from '../jobs/job.ts';
import type { ApiContext } from './context.ts';
import { jobHeaders, wantsJson } from './job-headers.ts';
import { whileWelcome, type Lifetime } from './lifetime.ts';
import { outputAt, sendOutput } from './outputs.ts';
import { sendProblem } from './problems.ts';
import { jobPath, wireJob, wireJobError } from './wire.ts';

/** The job as JSON, with the headers of every job answer. */
export function sendJob(reply: FastifyReply, { fleet }: ApiContext, job: Job): FastifyReply {
  return reply.headers(jobHeaders(job)).send(wireJob(job, job.state === 'queued' ? fleet.waitingFor(job.id) : null));
}

/** Accepted, and the client does not want to wait. */
export function sendAccepted(reply: FastifyReply, context: ApiContext, job: Job): FastifyReply {
  reply.code(202).header('location', jobPath(job.id)).header('preference-applied', 'respond-async');
  return sendJob(reply, context, job);
}

export interface Waiting {
  readonly waitMs: number;
  /** The client said beforehand that its job ends with its connection. */
  readonly cancelOnDisconnect: boolean;
}

/**
 * Waits for the job and answers with its first output, or with its JSON when the client asks for that; with 303 to the job's result
 * when it takes longer; with the problem when it did not succeed.
 */
export async function sendResult(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: { context: ApiContext; lifetime: Lifetime },
  job: Job,
  waiting: Waiting,
): Promise<FastifyReply> {
  const { context, lifetime } = parts;
  const ended = isFinal(job.state) ? job : await waitForEnd(request, parts, job, waiting);
  if (ended === null) {
    const now = await context.jobs.get(job.id);
    if (lifetime.closing() || context.draining()) return sendClosing(request, reply, now);
    reply
      .code(303)
      .header('location', `${jobPath(job.id)}/result`)
      .header('cache-control', 'no-store');
    return sendJob(reply, context, now);
  }
  reply.headers(jobHeaders(ended));
  if (ended.state !== 'succeeded') return sendProblem(request, reply, endOf(ended));
  if (wantsJson(request.headers)) return sendJob(reply, context, ended);
  return sendOutput(request, reply, context.assets, ended, outputAt(ended, 0));
}

/** Null when the time is over, the client is gone, its key was revoked, or the server closes. */
async function waitForEnd(
  request: FastifyRequest,
  { context, lifetime }: { context: ApiContext; lifetime: Lifetime },
  job: Job,
  { waitMs, cancelOnDisconnect }: Waiting,
): Promise<Job | null> {
  const { jobs, logger } = context;
  const stop = new AbortController();
  const { socket } = request.raw;
  const gone = (): void => {
    stop.abort();
    if (!cancelOnDisconnect) return;
    jobs.cancel(job.id).catch((error: unknown) => {
      if (error instanceof ComfleetError && error.code === 'job_finished') return;
      logger.warn({ event: 'cancel_failed', component: 'api', job_id: job.id, error }, 'a job whose client went away was not cancelled');
    });
  };
  const forget = whileWelcome(lifetime, context.keys, request.principal, () => stop.abort());
  socket.once('close', gone);
  if (socket.destroyed) gone();
  try {
    return await jobs.wait(job.id, { timeoutMs: waitMs, signal: stop.signal });
  } finally {
    socket.off('close', gone);
    forget();
  }
}

/** Its job is stored and goes on after the restart; the answer says where. */
function sendClosing(request: FastifyRequest, reply: FastifyReply, job: Job): FastifyReply {
  reply.headers(jobHeaders(job)).header('location', `${jobPath(job.id)}/result`);
  return sendProblem(
    request,
    reply,
    new ComfleetError('draining', `Job ${job.id} is kept and goes on; ask for its result later`, { job: job.id }),
  );
}

/** Why a job that ended has no result. */
function endOf(job: Job): ComfleetError {
  const details = { job: job.id, state: job.state, ...(job.error ? { error: wireJobError(job.error) } : {}) };
  if (job.error) return new ComfleetError(job.error.code, job.error.message, details);
  if (job.state === 'canceled') return new ComfleetError('canceled', `Job ${job.id} was cancelled`, details);
  if (job.state === 'expired') return new ComfleetError('expired', `Job ${job.id} had no result at its deadline`, details);
  return new ComfleetError('internal', `Job ${job.id} failed without saying why`, details);
}
