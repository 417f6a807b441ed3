import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config/schema.ts';
import { ComfleetError } from '../errors.ts';
import { hostnameOf, isLoopbackAddress, isLoopbackHost } from '../loopback.ts';
import type { Keys } from '../workspaces/keys.ts';
import type { ApiContext } from './context.ts';
import { pageCallers } from './page/callers.ts';
import type { Principal } from './principal.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route: nobody but admins unless it says otherwise. */
    access?: 'open' | 'invoke' | 'admin';
    /** The key may stand in the query: for streams of browsers, which cannot send headers. */
    tokenInQuery?: boolean;
  }
  interface FastifyRequest {
    principal: Principal;
  }
}

const local: Principal = { key: null, role: 'admin' };
/** Of routes that are open to all. */
const nobody: Principal = { key: null, role: 'invoke' };

/** Refuses to listen on an address that others reach while anybody could use it. Error: `unsafe_bind`. */
export function assertSafeBind(config: Config, keys: Pick<Keys, 'any'>): void {
  const { host } = config.network;
  if (isLoopbackHost(host) || keys.any()) return;
  throw new ComfleetError('unsafe_bind', `${host || 'every address'} can be reached by others, and there is no key that they would need`);
}

/** Headers that proxies, tunnels and content networks add to what they hand on, in lower case. */
const addedByProxy = [
  /^(forwarded|via|cdn-loop|x-forwarded|x-amzn-trace-id|x-arr-log-id|x-remote-(addr|ip))$/,
  /^(x-forwarded|x-original|x-real|x-envoy|x-proxyuser|x-azure|x-amz-cf|x-appengine|cf|fly|ngrok|tailscale)-/,
  /-(client|connecting)-?ip$/,
];

/**
 * True for callers on this machine. Behind a proxy on this machine everybody seems to be one, so whatever was forwarded, or came
 * under another name than loopback's, does not count.
 */
function isLocal({ headers, socket }: IncomingMessage, config: Config): boolean {
  const { host } = headers;
  if (!isLoopbackHost(config.network.host)) return false;
  if (Object.keys(headers).some((name) => addedByProxy.some((pattern) => pattern.test(name)))) return false;
  return isLoopbackAddress(socket.remoteAddress ?? '') && isLoopbackHost(hostnameOf(host ?? '') ?? '');
}

function secretOf({ headers }: IncomingMessage, token: unknown): string | null {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (authorization !== undefined) {
    const match = /^Bearer\s+(\S+)$/i.exec(authorization);
    if (!match?.[1]) throw new ComfleetError('unauthorized', 'The Authorization header is not "Bearer KEY"');
    return match[1];
  }
  if (typeof apiKey === 'string') return apiKey;
  return typeof token === 'string' ? token : null;
}

function authenticate(request: FastifyRequest, context: ApiContext): Principal {
  const { access = 'admin', tokenInQuery = false } = request.routeOptions.config;
  const { token } = request.query as { token?: unknown };
  return access === 'open' ? nobody : principalOf(request.raw, tokenInQuery ? token : null, access, context);
}

/** Who sends this. `token`: a key that may stand in the query. Errors: `unauthorized`, `forbidden`. */
export function principalOf(request: IncomingMessage, token: unknown, access: 'invoke' | 'admin', { config, keys }: ApiContext): Principal {
  const fromPage = pageCallers.get(request);
  if (fromPage && access === 'invoke') return fromPage;
  if (fromPage) throw new ComfleetError('forbidden', 'Scripts of ComfyUI’s page may not do that; this needs the role admin');
  const secret = secretOf(request, token);
  if (secret === null) {
    if (isLocal(request, config)) return local;
    throw new ComfleetError('unauthorized', 'This request carries no key');
  }
  const key = keys.verify(secret);
  if (!key) throw new ComfleetError('unauthorized', 'The key is unknown or was revoked');
  if (access === 'admin' && key.role !== 'admin') {
    throw new ComfleetError('forbidden', `The key ${key.name} has the role ${key.role}; this needs the role admin`);
  }
  return { key: key.id, role: key.role };
}

/** Every request of `app` gets its `principal`, or ends with 401 or 403 before its body is read. */
export function addAuthentication(app: FastifyInstance, context: ApiContext): void {
  app.decorateRequest('principal', null as unknown as Principal);
  app.addHook('onRequest', async (request) => {
    request.principal = request.is404 ? nobody : authenticate(request, context);
  });
}

/** Are graphs of clients allowed that are not a deployment's own? */
export const openGraphs = ({ config, keys }: Pick<ApiContext, 'config' | 'keys'>): boolean =>
  config.openGraphs ?? (isLoopbackHost(config.network.host) && !keys.any());
