import type { ApiContext } from '../context.ts';
import type { Api } from '../api.ts';
import { answerEmpty } from './answers.ts';
import { fieldsOf } from './json-body.ts';
import { addNativeRoute, type NativeCall } from './route.ts';

/** Routes of ComfyUI's page that have little behind them here. */
export function addOtherRoutes(app: Api, context: ApiContext): void {
  addNativeRoute(app, context, 'GET', '/users', () => ({ storage: 'server', migrated: false }));
  // Translations, templates and subgraphs of node packs would come from containers.
  for (const path of ['/i18n', '/workflow_templates', '/global_subgraphs']) addNativeRoute(app, context, 'GET', path, () => ({}));
}

/** Containers forget their models and what they have computed. */
export function addFreeRoute(app: Api, context: ApiContext): void {
  addNativeRoute(app, context, 'POST', '/free', async (call, request, reply) => {
    const wish = fieldsOf(request);
    if (request.principal.role === 'admin') await freeIdle(context, call, wish);
    return answerEmpty(reply);
  });
}

/** Containers serve many: only an admin empties their memory, and only of those that have nothing to do. */
async function freeIdle({ fleet, containers }: ApiContext, call: NativeCall, wish: Record<string, unknown>): Promise<void> {
  const { name, environment } = call.deployment();
  const idle = fleet.containers().filter((one) => one.deployment === name && one.environment === environment && one.state === 'ready');
  const body = Buffer.from(JSON.stringify({ unload_models: wish['unload_models'] === true, free_memory: wish['free_memory'] === true }));
  const headers = { 'content-type': 'application/json' };
  const told = idle.flatMap(({ endpoint }) =>
    endpoint ? [containers.pass(endpoint, { method: 'POST', path: '/free', headers, body }).then((answer) => answer.body.resume())] : [],
  );
  await Promise.all(told);
}
