import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NativeAllowance } from '../../config/schema.ts';
import type { Deployment } from '../../deployments/deployment.ts';
import { ComfleetError } from '../../errors.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { answerError } from './answers.ts';
import { isAmbiguous, passToContainer } from './pass.ts';
import { addNativeRoute, type NativeHandler } from './route.ts';

/** Node packs may answer what they like; in a browser it runs in a sandbox, far from the dashboard. */
const policy = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** Routes of node packs that a deployment's configuration lets through to its containers: they do what comfleet knows nothing of. */
export function addPassRoutes(app: Api, context: ApiContext): void {
  const allowances = context.config.deployments.flatMap(({ native }) => native.allow);
  const wanted = new Map(allowances.flatMap(({ method, path }) => [path, `${path}/*`].map((url) => [`${method} ${url}`, { method, url }])));
  void app.register(async (scope: Api) => {
    // Bodies are passed as they are.
    scope.removeContentTypeParser(['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data']);
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const { method, url } of wanted.values()) {
      // What comfleet answers itself is not passed, whatever is listed.
      if (!scope.hasRoute({ method, url })) addNativeRoute(scope, context, method, url, passing(context));
    }
  });
}

function passing(context: ApiContext): NativeHandler {
  return async (call, request, reply) => {
    const deployment = call.deployment();
    const path = call.path.split('?', 1)[0] ?? '';
    if (isAmbiguous(path) || !allowed(context, deployment, request.method, path)) throw notAllowed(request.method, path);
    const { accept = '*/*', 'content-type': type } = request.headers;
    const answer = await passToContainer(context, deployment, {
      method: request.method as 'GET' | 'HEAD' | 'POST',
      path: call.path,
      headers: { accept, ...(type === undefined ? {} : { 'content-type': type }) },
      body: Buffer.isBuffer(request.body) ? request.body : null,
    });
    if (!answer) throw new ComfleetError('nothing_reported', `No container of ${deployment.name} is ready, and this wakes none`);
    return reply.code(answer.status).header('content-security-policy', policy).type(answer.mime).send(answer.body);
  };
}

function allowed({ config }: ApiContext, { name, environment }: Deployment, method: string, path: string): boolean {
  const configured = config.deployments.find((one) => one.name === name && one.environment === environment);
  const reads = method === 'GET' || method === 'HEAD';
  const fits = (one: NativeAllowance): boolean =>
    (one.method === 'GET' ? reads : method === one.method) && (path === one.path || path.startsWith(`${one.path}/`));
  return configured?.native.allow.some(fits) === true;
}

const notAllowed = (method: string, path: string): ComfleetError =>
  new ComfleetError('not_passed', `${method} ${path.slice(0, 200)} is no route of the fleet, and does not pass to its containers`);

/** Where only ComfyUI's clients ask: its own internals, the manager's routes, and whatever node packs may have. */
const places = ['/api', '/d/:target', '/internal', '/manager', '/customnode', '/externalmodel', '/snapshot', '/comfyui_manager'];

/** What is unknown there is refused with the reason: some of it can change the machine that ComfyUI runs on. */
export function refuseTheRest(app: Api): void {
  for (const prefix of places) {
    void app.register(
      async (scope: Api) => {
        scope.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
          const [path = ''] = request.url.split('?', 1);
          return answerError(notAllowed(request.method, path), request, reply);
        });
      },
      { prefix },
    );
  }
}
