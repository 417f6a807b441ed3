import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Assets } from '../assets/assets.ts';
import { ComfleetError } from '../errors.ts';
import type { Job, Output } from '../jobs/job.ts';

/** Kinds that a browser would run as a page of ours: they are downloaded, and sandboxed when shown all the same. */
const active = /^(image\/svg\+xml|text\/html|application\/xhtml\+xml|(text|application)\/xml|application\/pdf|text\/javascript)/i;

/** Up to this size a file is read at once: a stream has ten times the steps. */
const inMemory = 256 * 1024;

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
  const text = output.asset === null && output.text !== undefined ? Buffer.from(output.text, 'utf8') : null;
  const { asset } = output;
  if (asset === null && text === null) {
    throw new ComfleetError('output_expired', `Output ${output.index} of job ${job.id} was removed after its retention time`, {
      job: job.id,
    });
  }
  const etag = `"${asset ?? `${job.id}-${output.index}`}"`;
  reply
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, max-age=31536000, immutable')
    .header('content-disposition', disposition(output))
    .header('content-security-policy', "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();

  const size = text?.length ?? output.bytes;
  const range = rangeOf(request, etag, size);
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`);
    throw new ComfleetError('range_not_satisfiable', `The output has ${size} bytes`);
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
  reply.type(text ? 'text/plain; charset=utf-8' : output.mime).header('content-length', end - start + 1);
  // A stream, though empty, leaves the length as it is.
  if (request.method === 'HEAD') return reply.send(Readable.from([]));
  if (text) return reply.send(text.subarray(start, end + 1));
  const whole = range === null && size <= inMemory;
  const file = await (whole ? assets.bytes(asset ?? '') : assets.read(asset ?? '', range ?? undefined)).catch((error: unknown) => {
    if (!(error instanceof ComfleetError) || error.code !== 'not_found') throw error;
    throw new ComfleetError(
      'output_expired',
      `The file of output ${output.index} of job ${job.id} is gone`,
      { job: job.id },
      { cause: error },
    );
  });
  return reply.send(Buffer.isBuffer(file) ? file : file.stream);
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => part.trim() === '*' || part.trim().replace(/^W\//, '') === etag);
}

type ByteRange = { readonly start: number; readonly end: number };

/** One range; several at once are answered with the whole, which RFC 9110 allows. Null: the whole. */
function rangeOf(request: FastifyRequest, etag: string, size: number): ByteRange | 'unsatisfiable' | null {
  const { range, 'if-range': ifRange } = request.headers;
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return null;
  const match = /^bytes=(\d*)-(\d*)$/.exec(range.trim());
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const [, first = '', last = ''] = match;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return null;
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}

/** File names come from the workflow: only plain characters stand in the quoted form. */
function disposition({ filename, mime }: Output): string {
  const base = filename.split(/[\\/]/).at(-1) || 'output';
  const plain = base.replace(/[^\w. -]/g, '_');
  const encoded = encodeURIComponent(base).replace(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${active.test(mime) ? 'attachment' : 'inline'}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
