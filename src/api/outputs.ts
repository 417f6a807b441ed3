import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Assets } from '../assets/assets.ts';
import { ComfleetError } from '../errors.ts';
import type { Job, Output } from '../jobs/job.ts';
import { sendFile } from './send-file.ts';

export function outputAt(job: Job, index: number): Output {
  const output = job.outputs[index];
  if (!output)
    throw new ComfleetError('unknown_output', `Job ${job.id} has ${job.outputs.length} outputs, none with number ${index}`, {
      job: job.id,
    });
  return output;
}

/**
 * Answers with an output's bytes; understands Range, If-Range and If-None-Match. Errors: `output_expired`, `range_not_satisfiable`.
 */
export async function sendOutput(
  request: FastifyRequest,
  reply: FastifyReply,
  assets: Assets,
  job: Job,
  output: Output,
): Promise<FastifyReply> {
  const content = output.asset ?? (output.text === undefined ? null : Buffer.from(output.text, 'utf8'));
  if (content === null) {
    throw new ComfleetError('output_expired', `Output ${output.index} of job ${job.id} was removed after its retention time`, {
      job: job.id,
    });
  }
  const isText = typeof content !== 'string';
  const file = {
    content,
    bytes: isText ? content.length : output.bytes,
    mime: isText ? 'text/plain; charset=utf-8' : output.mime,
    tag: output.asset ?? `${job.id}-${output.index}`,
    filename: output.filename,
    cacheControl: 'private, max-age=31536000, immutable',
  };
  return sendFile(request, reply, assets, file).catch((error: unknown) => {
    if (!(error instanceof ComfleetError) || error.code !== 'not_found') throw error;
    throw new ComfleetError(
      'output_expired',
      `The file of output ${output.index} of job ${job.id} is gone`,
      { job: job.id },
      { cause: error },
    );
  });
}
