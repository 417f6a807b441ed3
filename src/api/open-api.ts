import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { Deployment } from '../deployments/deployment.ts';
import type { ApiContext } from './context.ts';
import { inputSchema } from './input-schema.ts';
import type { Api } from './api.ts';
import { deploymentPath } from './wire.ts';

/** OpenAPI 3.1 at `/fleet/v1/openapi.json`: the fleet API from its schemas, and each deployment's own URL from its workflow. */
export function addOpenApi(app: Api, context: ApiContext): void {
  void app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'comfleet', version: context.version, license: { name: 'Apache-2.0' } },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      },
      security: [{ bearer: [] }, { apiKey: [] }, {}],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  app.register(async (routes: Api) => {
    routes.get('/fleet/v1/openapi.json', { config: { access: 'invoke' }, schema: { hide: true } }, () => {
      const document = app.swagger() as { paths?: Record<string, unknown> };
      const own = context.deployments
        .list()
        .map((deployment) => [deploymentPath(deployment), { post: operation(context, deployment) }] as const);
      return { ...document, paths: { ...document.paths, ...Object.fromEntries(own) } };
    });
  });
}

function operation(context: ApiContext, deployment: Deployment) {
  const inputs = inputSchema(context.deployments.revision(deployment).workflow);
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const job = { 'application/json': { schema: { $ref: '#/components/schemas/Job' } } };
  const binary = { schema: { type: 'string', contentMediaType: 'application/octet-stream' } };
  return {
    tags: ['deployment'],
    summary: `Run ${deployment.name}`,
    description: 'Answers with the first output, with the job for Accept: application/json, or with 202 for Prefer: respond-async.',
    parameters: [
      header('Prefer', 'respond-async, or wait=N: seconds to wait, 120 when not given, at most 600'),
      header('Idempotency-Key', '1 to 255 characters; the same key and body give the same job for 24 h'),
      header('X-Comfleet-Priority', '-100 to 100; higher goes first'),
      header('X-Comfleet-Deadline', 'RFC 3339, or seconds from now'),
      header('X-Comfleet-Webhook', 'A URL that is called when the job ends'),
      header('X-Comfleet-On-Disconnect', 'continue (as usual) or cancel: what becomes of the job when this client goes away'),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: inputs }, 'multipart/form-data': { schema: inputs } } },
    responses: {
      200: { description: 'The first output, or the job', content: { '*/*': binary, ...job } },
      202: { description: 'Accepted', content: job },
      303: { description: 'Not ready yet: the result will be at Location', content: job },
      default: { description: 'A problem', content: problem },
    },
  };
}

const header = (name: string, description: string) => ({ name, in: 'header', required: false, description, schema: { type: 'string' } });
