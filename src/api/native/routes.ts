import type { FastifyError } from 'fastify';
import type { ApiContext, ApiLimits } from '../context.ts';
import { logInternal } from '../problems.ts';
import type { Api } from '../server.ts';
import { answerError } from './answers.ts';
import { addUploadRoutes } from './uploads.ts';
import { addViewRoute } from './view.ts';

/** The native dialect: the ComfyUI API, one file per idea, so that ComfyUI's clients work with a fleet. */
export function addNativeRoutes(app: Api, context: ApiContext, limits: ApiLimits): void {
  void app.register(async (scope: Api) => {
    scope.setErrorHandler((error: FastifyError, request, reply) => {
      logInternal(context, request, error);
      return answerError(error, request, reply);
    });
    addUploadRoutes(scope, context, limits);
    addViewRoute(scope, context);
  });
}
