import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Json } from '../../comfyui/protocol.ts';
import { str } from '../../comfyui/python.ts';
import { ComfleetError, type ErrorCode } from '../../errors.ts';
import { isObject } from '../body.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { checkPrompt, type CheckedPrompt, type PromptToCheck } from './check-prompt.ts';
import { bytesOf, keysOf, idsOf, Unforeseen, type Fields } from './json-body.ts';
import type { LargePrompts } from './large-prompts.ts';
import type { OpenPrompts } from './open-prompts.ts';
import { addNativeRoute, scopeOf, type NativeCall } from './route.ts';

/** Prompt ids are kept and told again and again. */
const maxIdLength = 1_000;

/** `POST /prompt` queues a graph, `GET /prompt` tells how many wait or run. */
export function addPromptRoutes(app: Api, context: ApiContext, { open, large }: { open: OpenPrompts; large: LargePrompts }): void {
  addNativeRoute(app, context, 'POST', '/prompt', (call, request, reply) => submit({ context, large }, call, request, reply));
  addNativeRoute(app, context, 'GET', '/prompt', (call) => ({ exec_info: { queue_remaining: open.count(scopeOf(call)) } }));
}

interface Parts {
  readonly context: ApiContext;
  readonly large: LargePrompts;
}

/** Before a prompt is refused, containers are asked again: a model that was put in place meanwhile needs no restart. */
async function checkAsOfNow(context: ApiContext, prompt: PromptToCheck): Promise<CheckedPrompt> {
  const known = context.deployments.definitions();
  const checked = await checkPrompt(context, prompt);
  if (!checked.refusal || !(await context.learnNow()) || context.deployments.definitions() === known) return checked;
  return checkPrompt(context, prompt);
}

async function submit({ context, large }: Parts, call: NativeCall, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const deployment = call.deployment();
  const rejected = (reason: ErrorCode): void =>
    context.metrics.jobRejected({ deployment: deployment.name, environment: deployment.environment, reason });
  try {
    if (context.draining()) throw new ComfleetError('draining', 'The gateway takes no new jobs; it is shutting down');
    large.check(request.body);
    const body = keysOf(request);
    const number = numberOf(context, body);
    if (!('prompt' in body)) {
      rejected('invalid_body');
      const text = 'No prompt provided';
      return reply.code(400).send({ error: { type: 'no_prompt', message: text, details: text, extra_info: {} }, node_errors: {} });
    }
    const targets = Array.isArray(body['partial_execution_targets']) ? idsOf(body['partial_execution_targets']) : null;
    const checked = await checkAsOfNow(context, { deployment, caller: call.caller, prompt: body['prompt'], targets });
    if (checked.refusal) {
      rejected('invalid_graph');
      return reply.code(400).send({ error: checked.refusal, node_errors: checked.nodeErrors });
    }
    const { graph, files, modelKey, outputs, nodeErrors } = checked;
    const id = promptIdOf(context, body);
    const extraData = extraDataOf(body);
    const clientId = typeof extraData['client_id'] === 'string' ? extraData['client_id'] : null;
    const { job } = await context.jobs.submit({
      workspace: deployment.workspace,
      environment: deployment.environment,
      deployment: deployment.name,
      revision: context.deployments.revision(deployment).id,
      source: 'native',
      key: call.caller.key,
      priority: 0,
      number,
      prompt: { id, clientId, extraData, outputs },
      inputs: null,
      graph,
      files,
      outputNodes: [],
      modelKey,
      deadlineAt: null,
      executionTimeoutMs: deployment.executionTimeoutMs,
      idempotency: null,
      webhook: null,
    });
    large.accepted(request, job.id, bytesOf(request).length);
    return { prompt_id: id, number, node_errors: nodeErrors };
  } catch (error) {
    rejected(error instanceof ComfleetError ? error.code : error instanceof Unforeseen ? 'invalid_body' : 'internal');
    throw error;
  }
}

/** The prompt's place in the queue: what the client says, else the counter, which `front` turns round. */
function numberOf({ jobs }: ApiContext, body: Fields): number {
  if ('number' in body) {
    const { number: given } = body;
    const number = typeof given === 'number' || (typeof given === 'string' && given.trim() !== '') ? Number(given) : Number.NaN;
    if (!Number.isFinite(number)) throw new Unforeseen('the number is none');
    return number;
  }
  const number = jobs.takeNumber();
  return body['front'] ? -number : number;
}

function promptIdOf({ random }: ApiContext, body: Fields): string {
  if (!('prompt_id' in body)) return random.id();
  const id = str(body['prompt_id']);
  if (id.length > maxIdLength) throw new ComfleetError('invalid_parameter', `prompt_id has more than ${maxIdLength} characters`);
  return id;
}

function extraDataOf(body: Fields): Record<string, Json> {
  const { extra_data: given = {} } = body;
  if (!isObject(given)) throw new Unforeseen('extra_data is no object');
  return { ...(given as Record<string, Json>), ...('client_id' in body && { client_id: body['client_id'] as Json }) };
}
