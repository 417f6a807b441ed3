import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Deployment } from '../../deployments/deployment.ts';
import type { Caller, PromptScope } from '../../store/store.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { byTarget } from '../simple.ts';
import { answerText } from './answers.ts';

/** What a request of a ComfyUI client is about. */
export interface NativeCall {
  /** Of the path, else the default one. Error: `unknown_deployment`. */
  readonly deployment: () => Deployment;
  /** The path as it came, with the query, without the place of the dialect in front. */
  readonly path: string;
  /** Whose prompts and files. */
  readonly caller: Caller;
  /** True for whoever came by the key of an admin: may look at everybody's prompts and files. */
  readonly seesAll: boolean;
}

export type NativeHandler = (call: NativeCall, request: FastifyRequest, reply: FastifyReply) => unknown;

type Params = Readonly<Record<string, string | undefined>>;

/** ComfyUI has each of its routes twice, and here each deployment has them all. */
const prefixes = ['', '/api', '/d/:target', '/d/:target/api'] as const;

/** Adds a route of the native dialect at each of its places. `path` has no slash at its end. */
export function addNativeRoute(
  app: Api,
  context: ApiContext,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  handler: NativeHandler,
  places: readonly string[] = prefixes,
): void {
  for (const prefix of places) {
    app.route({
      method,
      url: prefix + path,
      config: { access: 'invoke' },
      schema: { hide: true },
      handler: (request, reply) =>
        method === 'GET' && lacksName(path, request)
          ? answerText(reply, 404, '404: Not Found')
          : handler(callOf(context, request, prefix), request, reply),
    });
  }
}

/** In ComfyUI a path that ends where its last part should stand (`/history/`) is no route. */
const lacksName = (path: string, { url }: FastifyRequest): boolean => /\/:\w+$/.test(path) && /^[^?]*\/(\?|$)/.test(url);

function callOf(context: ApiContext, request: FastifyRequest, prefix: string): NativeCall {
  const { target } = request.params as Params;
  const { key, role } = request.principal;
  const named = target === undefined ? null : byTarget(context, target);
  return {
    deployment: () => named ?? context.deployments.get(null),
    path: request.url
      .split('/')
      .toSpliced(1, prefix.split('/').length - 1)
      .join('/'),
    caller: { workspace: context.config.workspace.name, key },
    seesAll: key !== null && role === 'admin',
  };
}

/** The prompts that a call sees: of the deployment, its caller's or, for an admin's key, everybody's. */
export function scopeOf({ deployment, caller, seesAll }: NativeCall): PromptScope {
  const { name, environment } = deployment();
  return { deployment: name, environment, caller: seesAll ? null : caller };
}

/** A parameter of the path that the route has by its pattern. */
export const parameter = (request: FastifyRequest, name: string): string => (request.params as Params)[name] ?? '';

/** A key of the query; null when it is not there. Given twice, the first counts. */
export function queryOf(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Readonly<Record<string, string | string[] | undefined>>)[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
