import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, answerText } from './http.ts';
import type { Call } from './http.ts';

export type Handler<Context> = (context: Context, call: Call) => void | Promise<void>;
type Methods<Context> = Readonly<Record<string, Handler<Context>>>;
/** Paths to handlers by method; `*` stands for one part of a path. */
export type Routes<Context> = Readonly<Record<string, Methods<Context>>>;

interface Found<Context> {
  readonly methods: Methods<Context>;
  readonly parameters: readonly string[];
}

const patterns = new WeakMap<object, readonly [parts: readonly string[], path: string][]>();

/** The routes with a `*`, cut into parts once. */
function patternsOf<Context>(routes: Routes<Context>): readonly [parts: readonly string[], path: string][] {
  const known = patterns.get(routes);
  if (known) return known;
  const found = Object.keys(routes).flatMap((path): [string[], string][] => (path.includes('*') ? [[path.split('/'), path]] : []));
  patterns.set(routes, found);
  return found;
}

function find<Context>(routes: Routes<Context>, path: string): Found<Context> | null {
  const exact = Object.hasOwn(routes, path) && !path.includes('*') ? routes[path] : undefined;
  if (exact) return { methods: exact, parameters: [] };
  const parts = path.split('/');
  for (const [pattern, name] of patternsOf(routes)) {
    const fits = pattern.length === parts.length && pattern.every((part, at) => (part === '*' ? parts[at] !== '' : part === parts[at]));
    if (!fits) continue;
    const parameters = parts.filter((_part, at) => pattern[at] === '*').map(decoded);
    return { methods: routes[name] as Methods<Context>, parameters };
  }
  return null;
}

/** An encoded slash stays inside its part. What is no encoding is taken as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const splitOnce = (text: string, mark: string): [string, string] => {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
};

/** ComfyUI's page can have a file at every path but those under /internal: any may be read, and none is there. */
function refuse(response: ServerResponse, method: string, { methods, isPage }: { methods: readonly string[]; isPage: boolean }): void {
  if (isPage && method === 'GET') return answer(response, 404, 'application/octet-stream', '');
  const allowed = new Set([...methods, ...(isPage ? ['GET'] : [])]);
  if (allowed.size === 0) return answerText(response, 404, '404: Not Found');
  if (allowed.has('GET')) allowed.add('HEAD');
  response.setHeader('Allow', [...allowed].sort().join(','));
  return answerText(response, 405, '405: Method Not Allowed');
}

/** Answers a request by its route, each of which also stands under /api but for /internal. */
export async function dispatch<Context>(
  routes: Routes<Context>,
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
  maximumBody: number,
): Promise<void> {
  const [address, search] = splitOnce(request.url ?? '/', '?');
  const twin = address.startsWith('/api/') && !address.startsWith('/api/internal/') ? address.slice(4) : address;
  const found = find(routes, address) ?? (twin === address ? null : find(routes, twin));
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  const handler = found?.methods[method];
  if (!found || !handler)
    return refuse(response, method, { methods: Object.keys(found?.methods ?? {}), isPage: !address.startsWith('/internal/') });
  return handler(context, { request, response, query: new URLSearchParams(search), parameters: found.parameters, maximumBody });
}
