import type { FastifyRequest } from 'fastify';
import { ComfleetError } from '../../errors.ts';
import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';

/** `/page/`: leads a browser to ComfyUI's own page; with `POST` a program that carries a key gets the address. */
export function addPageTicketRoutes(app: Api, context: ApiContext): void {
  const config = { access: 'invoke' } as const;
  const schema = { hide: true };
  const address = (request: FastifyRequest): string => {
    const { page } = context;
    if (!page) throw new ComfleetError('not_found', 'ComfyUI’s page is not served here; page.folder in comfleet.yaml names its files');
    const host = (request.headers.host ?? 'localhost').replace(/:\d+$/, '');
    return `http://${host}:${page.port()}/comfleet/enter?ticket=${page.sessions.ticket(request.principal)}`;
  };
  app.get('/page', { config, schema }, (_request, reply) => reply.redirect('/page/', 302));
  app.get('/page/', { config, schema }, (request, reply) => reply.header('cache-control', 'no-store').redirect(address(request), 303));
  app.post('/page/', { config, schema }, (request, reply) => reply.code(201).send({ url: address(request) }));
}
