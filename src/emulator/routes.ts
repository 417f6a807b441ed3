import type { ComfyuiVersion, Container } from './container.ts';
import { faultsSchema } from './faults.ts';
import { fileRoutes } from './file-routes.ts';
import { answerEmpty, answerJson, answerText, isLoopback, readJson } from './http.ts';
import { infoRoutes } from './info-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { pageRoutes } from './page-routes.ts';
import { promptRoutes } from './prompt-routes.ts';
import type { Handler, Routes } from './router.ts';
import { handshakeError } from './sockets.ts';

/** Not ComfyUI's: so it is for programs on this machine alone, whatever name a page gives to it. */
const setFaults: Handler<Container> = async (container, call) => {
  if (!isLoopback(call.request.headers.host ?? '')) return answerEmpty(call.response, 403);
  const faults = faultsSchema.safeParse(await readJson(call));
  if (!faults.success) return answerJson(call.response, { error: faults.error.issues.map((issue) => issue.message) }, 400);
  container.setFaults(faults.data);
  return answerJson(call.response, container.faults);
};

const own: Routes<Container> = {
  '/emulator/faults': { GET: (container, { response }) => answerJson(response, container.faults), POST: setFaults },
};

/** Who gets here with it did not ask for a socket. */
const socketRoute: Routes<Container> = {
  '/ws': { GET: (_container, { request, response }) => answerText(response, 400, handshakeError(request.headers) ?? '') },
};

/** Every route, by ComfyUI's version. */
export const routes: Readonly<Record<ComfyuiVersion, Routes<Container>>> = {
  '0.3.64': { ...promptRoutes, ...infoRoutes, ...fileRoutes, ...pageRoutes, ...socketRoute, ...own },
  '0.12.1': { ...promptRoutes, ...infoRoutes, ...fileRoutes, ...pageRoutes, ...jobRoutes, ...socketRoute, ...own },
};
