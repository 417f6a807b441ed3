import type { ApiContext } from './context.ts';
import type { Api } from './api.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
}

/** `/livez`, `/readyz`, `/metrics`: for whoever watches the process. */
export function addProbes(app: Api, context: ApiContext): void {
  const open = { config: { access: 'open' }, schema: { hide: true } } as const;

  for (const url of ['/livez', '/healthz']) {
    app.get(url, open, (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'));
  }
  app.get('/readyz', open, async (request, reply) => {
    const checks = await readiness(context);
    const ready = checks.every(({ ok }) => ok);
    if (!ready) reply.header('retry-after', '5');
    reply.code(ready ? 200 : 503).type('text/plain; charset=utf-8');
    // What is wrong is said unasked, as Kubernetes does.
    if (ready && !('verbose' in (request.query as object))) return 'ok\n';
    const lines = checks.map(({ name, ok, why }) => (ok ? `[+]${name} ok` : `[-]${name} failed: ${why}`));
    return `${lines.join('\n')}\nreadyz check ${ready ? 'passed' : 'failed'}\n`;
  });
  app.get('/metrics', { config: { access: 'invoke' }, schema: { hide: true } }, async (_request, reply) =>
    reply.type(context.metrics.contentType).send(await context.metrics.text()),
  );
}

/** As large as a job may well be: a full disk often has room for a few bytes more. */
const room = ' '.repeat(65_536);

/** Can jobs be taken? A fleet that has scaled to zero, or is just starting, takes them. */
async function readiness({ store, deployments, clock, draining }: ApiContext): Promise<Check[]> {
  // Who is not ready is sent nothing that would show that the disk is well again: once it failed, each probe tries a write itself.
  const tried = store.trouble() === null ? store.document('readyz') : store.saveDocument({ name: 'readyz', value: room, at: clock.now() });
  const failure = await tried.then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return [
    { name: 'store', ok: failure === null, why: failure ?? '' },
    { name: 'deployments', ok: deployments.list().length > 0, why: 'there is no deployment' },
    { name: 'accepting', ok: !draining(), why: 'the gateway is shutting down' },
  ];
}
