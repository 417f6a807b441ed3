import type { IncomingMessage } from 'node:http';
import multipart from '@fastify/multipart';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Api } from './api.ts';
import { addAuthentication } from './auth.ts';
import { addBodyParsers } from './body.ts';
import { defaultLimits, type ApiContext, type ApiLimits } from './context.ts';
import { addDashboard, leadBrowsersToPage } from './dashboard.ts';
import { addFleetRoutes } from './fleet/routes.ts';
import { closeWhenAnswered, createLifetime, type Lifetime } from './lifetime.ts';
import { addOpenApi } from './open-api.ts';
import { addNativeRoutes } from './native/routes.ts';
import { checkOrigin } from './origin.ts';
import { addPageTicketRoutes } from './page/ticket-route.ts';
import { addProbes } from './probes.ts';
import { addProblems, answerBrokenRequest, sendProblem } from './problems.ts';
import { addSimpleRoutes } from './simple.ts';
import { validatorCompiler } from './validation.ts';

/** For everything but the dashboard and outputs, which have policies of their own. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** The gateway's HTTP server, with all dialects; not yet listening. `close()` ends streams and waits, then the connections. */
export function createServer(context: ApiContext): FastifyInstance {
  const limits: ApiLimits = { ...defaultLimits, ...context.limits };
  const lifetime = createLifetime();
  const logger: FastifyBaseLogger = context.logger;
  const app: Api = fastify({
    loggerInstance: logger,
    // Its lines would carry the query, and so keys of streams; `addRequestLog` writes one without.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => requestId(request, context),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    // Above the minute that load balancers keep connections, so that they close first.
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: Math.min(5_000, limits.headersMs, limits.requestMs) },
    clientErrorHandler: answerBrokenRequest,
    // Paths that the router cannot read do not get as far as the hooks below.
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...securityHeaders, 'x-request-id': request.id });
      void sendProblem(request, reply, error);
    },
    routerOptions: { maxParamLength: 300 },
  }).withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler(validatorCompiler);
  // Answers are typed by their schemas; checking them again at each request would only cost.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  // First, so that what is counted as finished was counted as started, however it ends.
  addRequestLog(app, context, lifetime);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, 'x-request-id': request.id });
    checkOrigin(request.headers, context.config.network);
  });
  // Before the key is asked for: the page asks for it itself.
  leadBrowsersToPage(app);
  addAuthentication(app, context);
  addProblems(app, context);
  addBodyParsers(app, limits);
  // Fields come as bytes too: the parser would put other letters in place of what is no UTF-8.
  void app.register(multipart, { isPartAFile: () => true, limits: { fileSize: limits.uploadBytes + 1, files: 1000, parts: 1000 } });
  addOpenApi(app, context);
  // After the plug-in that writes down every route for the OpenAPI document.
  void app.register(async (routes: Api) => {
    addProbes(routes, context);
    addDashboard(routes, context);
    addPageTicketRoutes(routes, context);
    addSimpleRoutes(routes, context, { lifetime, limits });
    addFleetRoutes(routes, context, { lifetime, limits });
    addNativeRoutes(routes, context, { lifetime, limits });
  });
  return app;
}

/** The caller's own id, when it is harmless to write into logs and headers. */
function requestId(request: IncomingMessage, { random }: ApiContext): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : random.id();
}

/** Counts each request from its beginning to its end, and writes it down. */
function addRequestLog(app: Api, { metrics, logger }: ApiContext, lifetime: Lifetime): void {
  app.addHook('onRequest', async (request) => {
    metrics.httpStarted({ method: request.method, route: request.routeOptions.url ?? null });
  });
  closeWhenAnswered(app, lifetime, (request, reply) => {
    const { method, id } = request;
    const route = request.routeOptions.url ?? null;
    const seconds = reply.elapsedTime / 1000;
    metrics.httpFinished({ method, route, status: reply.statusCode, seconds });
    const fields = { event: 'http_request', component: 'api', request_id: id, method, route };
    logger.debug({ ...fields, status: reply.statusCode, duration_s: seconds }, 'request answered');
  });
}
