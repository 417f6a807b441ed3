import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Deployment } from '../deployments/deployment.ts';
import { sendAccepted, sendResult } from './answer.ts';
import { readValues } from './body.ts';
import type { ApiContext } from './context.ts';
import { inputSchema } from './input-schema.ts';
import { cancelsOnDisconnect, optionsFromHeaders, preferences } from './job-headers.ts';
import type { Api, ServerParts } from './api.ts';
import { submitJob } from './submit.ts';
import { deploymentPath } from './wire.ts';

/**
 * The simple dialect: POST the named inputs, get the result. `/` is the default deployment, `/d/NAME/` any of production,
 * `/d/NAME@ENVIRONMENT/` any at all.
 */
export function addSimpleRoutes(app: Api, context: ApiContext, parts: ServerParts): void {
  const { deployments } = context;
  const config = { access: 'invoke', forms: true } as const;
  const schema = { hide: true };

  app.post('/', { config, schema }, (request, reply) => run(request, reply, { context, ...parts }, deployments.get(null)));
  for (const url of ['/d/:target', '/d/:target/']) {
    app.post<{ Params: { target: string } }>(url, { config, schema }, (request, reply) =>
      run(request, reply, { context, ...parts }, byTarget(context, request.params.target)),
    );
    app.get<{ Params: { target: string } }>(url, { config, schema }, (request) =>
      describe(context, byTarget(context, request.params.target), request.headers.host),
    );
  }
  app.get('/', { config, schema }, (request) => ({
    name: 'comfleet',
    version: context.version,
    deployments: deployments.list().map((deployment) => describe(context, deployment, request.headers.host)),
    openapi: '/fleet/v1/openapi.json',
    dashboard: '/dashboard/',
  }));
}

/** `name` or `name@environment`. Error: `unknown_deployment`. */
export function byTarget({ deployments }: ApiContext, target: string): Deployment {
  const at = target.lastIndexOf('@');
  return at < 0 ? deployments.get(target) : deployments.get(target.slice(0, at), target.slice(at + 1));
}

async function run(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ServerParts & { context: ApiContext },
  deployment: Deployment,
): Promise<FastifyReply> {
  const { context } = parts;
  const { async, waitMs } = preferences(request.headers);
  const cancelOnDisconnect = cancelsOnDisconnect(request.headers);
  const options = optionsFromHeaders(request.headers, context.clock.now());
  const { workflow } = context.deployments.revision(deployment);
  const multipart = { stageFile: context.stageFile, maxFieldBytes: parts.limits.bodyBytes };
  const work = async () => ({ inputs: await readValues(request, workflow, multipart) });
  const { job, replay } = await submitJob(context, request, { deployment, source: 'simple', work, options });
  if (replay) reply.header('idempotency-replayed', 'true');
  if (async) return sendAccepted(reply, context, job);
  // A second client that waits for the same job may go without ending it for the first.
  return sendResult(request, reply, parts, job, { waitMs, cancelOnDisconnect: cancelOnDisconnect && !replay });
}

/** What a newcomer who looks with curl wants to know. */
function describe(context: ApiContext, deployment: Deployment, host = 'localhost') {
  const { workflow } = context.deployments.revision(deployment);
  const path = deployment.default ? '/' : deploymentPath(deployment);
  const example = Object.fromEntries(
    workflow.inputs
      .filter((input) => input.type === 'string')
      .slice(0, 1)
      .map((input) => [input.name, 'a regal phoenix']),
  );
  return {
    name: deployment.name,
    environment: deployment.environment,
    default: deployment.default,
    url: path,
    inputs: inputSchema(workflow),
    try: `curl -sL http://${host}${path} -H 'content-type: application/json' -d '${JSON.stringify(example)}' -o output`,
  };
}
