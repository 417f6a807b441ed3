import type { FastifyError } from 'fastify';
import type { ApiContext, ApiLimits } from '../context.ts';
import type { Lifetime } from '../lifetime.ts';
import { logInternal } from '../problems.ts';
import type { Api } from '../api.ts';
import { answerError, answerTrouble } from './answers.ts';
import { addHistoryRoutes } from './history.ts';
import { takeAnyBody, Unforeseen } from './json-body.ts';
import { LargePrompts } from './large-prompts.ts';
import { OpenPrompts } from './open-prompts.ts';
import { addPromptRoutes } from './prompts.ts';
import { addQueueRoutes } from './queue.ts';
import { addSocketRoute } from './socket-route.ts';
import { NativeSockets } from './sockets.ts';
import { addListRoutes } from './lists.ts';
import { addObjectInfoRoutes } from './object-info.ts';
import { addFreeRoute, addOtherRoutes } from './other-routes.ts';
import { addPassRoutes, refuseTheRest } from './pass-routes.ts';
import { addSystemStatsRoute } from './system-stats.ts';
import { addUploadRoutes } from './uploads.ts';
import { addUserRoutes } from './user-routes.ts';
import { addViewRoute } from './view.ts';

/** The native dialect: the ComfyUI API, one file per idea, so that ComfyUI's clients work with a fleet. */
export function addNativeRoutes(app: Api, context: ApiContext, { limits, lifetime }: { limits: ApiLimits; lifetime: Lifetime }): void {
  const open = new OpenPrompts(context);
  const sockets = new NativeSockets(context, { open, limits });
  void app.register(async (scope: Api) => {
    scope.setErrorHandler((error: FastifyError, request, reply) => {
      if (error instanceof Unforeseen) return answerTrouble(reply);
      logInternal(context, request, error);
      return answerError(error, request, reply);
    });
    addJsonRoutes(scope, context, { open, large: new LargePrompts(context, limits) });
    addSocketRoute(scope, context, { sockets, lifetime });
    addUploadRoutes(scope, context, limits);
    addViewRoute(scope, context);
    addObjectInfoRoutes(scope, context);
    addListRoutes(scope, context, limits);
    addSystemStatsRoute(scope, context);
    addUserRoutes(scope, context);
    addOtherRoutes(scope, context);
    addPassRoutes(scope, context);
    refuseTheRest(scope);
  });
}

/** Routes whose bodies are JSON, whatever their type says. */
function addJsonRoutes(app: Api, context: ApiContext, prompts: { open: OpenPrompts; large: LargePrompts }): void {
  void app.register(async (scope: Api) => {
    takeAnyBody(scope);
    void scope.register(async (large: Api) => {
      prompts.large.admitTo(large);
      addPromptRoutes(large, context, prompts);
    });
    addQueueRoutes(scope, context);
    addHistoryRoutes(scope, context);
    addFreeRoute(scope, context);
  });
}
