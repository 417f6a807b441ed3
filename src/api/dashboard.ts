import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply } from 'fastify';
import { ComfleetError } from '../errors.ts';
import type { ApiContext } from './context.ts';
import type { Api } from './api.ts';

const policy = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** A browser that opens `/` gets the page; programs get JSON there. */
export function leadBrowsersToPage(app: Api): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'GET' && request.routeOptions.url === '/' && request.headers.accept?.includes('text/html')) {
      return reply.redirect('/dashboard/', 302);
    }
    return undefined;
  });
}

/** The web page at `/dashboard/`: static files, or a word on why there are none yet. Needs no key: it holds no data of its own. */
export function addDashboard(app: Api, context: ApiContext): void {
  const config = { access: 'open' } as const;
  const schema = { hide: true };
  // Only decorates replies with sendFile; which folder, and whether there is one, is known at each request.
  void app.register(fastifyStatic, { root: import.meta.dirname, serve: false });

  app.get('/dashboard', { config, schema }, (_request, reply) => reply.redirect('/dashboard/', 302));
  app.get<{ Params: { '*': string } }>('/dashboard/*', { config, schema }, async (request, reply) => {
    const page = context.dashboard();
    reply.header('content-security-policy', policy);
    if (page.state === 'building') return sayBuilding(reply);
    if (page.state === 'failed') return sayFailed(reply, page.reason);
    const path = request.params['*'];
    const file = resolve(page.folder, path);
    if (file !== resolve(page.folder) && !file.startsWith(resolve(page.folder) + sep)) {
      throw new ComfleetError('not_found', 'There is no such file in the dashboard');
    }
    // Views of the page have paths of their own; only names with an ending are files.
    const isFile = /\.[a-z0-9]+$/i.test(path);
    if (isFile && !existsSync(file)) throw new ComfleetError('not_found', `The dashboard has no file ${path}`);
    // The build puts a hash of the content into the names of assets.
    const cacheControl = path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    reply.header('cache-control', cacheControl);
    return reply.sendFile(isFile ? path : 'index.html', page.folder, { cacheControl: false });
  });
}

function sayBuilding(reply: FastifyReply): FastifyReply {
  reply.header('refresh', '1').header('cache-control', 'no-store').code(503).header('retry-after', '1');
  return sendPage(reply, 'The dashboard is being built', 'This page comes back by itself in a moment. The API works already.');
}

function sayFailed(reply: FastifyReply, reason: string): FastifyReply {
  reply.header('cache-control', 'no-store').code(503);
  return sendPage(reply, 'There is no dashboard', `${reason} The API works all the same.`);
}

function sendPage(reply: FastifyReply, title: string, text: string): FastifyReply {
  const style = 'font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark';
  return reply
    .type('text/html; charset=utf-8')
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>` +
        `<body style="${style}"><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></body></html>`,
    );
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
