import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerProblem } from '../problems.ts';

/** ComfyUI refuses much without a word. */
export const answerEmpty = (reply: FastifyReply, status = 200): FastifyReply => reply.code(status).send();

/** What ComfyUI says when it did not foresee something: its clients know it. */
export const answerTrouble = (reply: FastifyReply): FastifyReply =>
  reply.code(500).type('text/plain; charset=utf-8').send('500 Internal Server Error\n\nServer got itself in trouble');

export const answerText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('text/plain; charset=utf-8').send(text);

/** Refusals that ComfyUI has none of, in the shape of those that it has: so its clients show the reason. */
export function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return answerProblem(request, reply, error, 'application/json; charset=utf-8', ({ code, detail, next }) => ({
    error: { type: code, message: detail, details: next, extra_info: { request_id: request.id } },
    node_errors: {},
  }));
}
