import type { Json } from '../../comfyui/protocol.ts';
import type { Catalogue, ModelFolder } from '../../comfyui/runner.ts';
import type { ApiContext, ApiLimits } from '../context.ts';
import type { Api } from '../api.ts';
import { answerEmpty } from './answers.ts';
import { isFolderType } from './file-names.ts';
import { maxUploadBytes } from './limits.ts';
import { nothingReported } from './object-info.ts';
import { passToContainer } from './pass.ts';
import { addNativeRoute, parameter, queryOf } from './route.ts';

/** Lists that ComfyUI's clients choose from: what containers reported last. None of them wakes a container, but most ask one for the next time. */
export function addListRoutes(app: Api, context: ApiContext, limits: ApiLimits): void {
  const catalogue = (): Catalogue => {
    void context.refresh();
    const known = context.deployments.catalogue();
    if (!known) throw nothingReported('lists');
    return known;
  };
  const folderOf = (name: string): ModelFolder | undefined => catalogue().models.find(({ folder }) => folder === name);

  addNativeRoute(app, context, 'GET', '/embeddings', () => catalogue().embeddings);
  addNativeRoute(app, context, 'GET', '/extensions', () => catalogue().extensions);
  addNativeRoute(app, context, 'GET', '/features', () => ({
    supports_preview_metadata: true,
    max_upload_size: maxUploadBytes(context, limits),
  }));
  addNativeRoute(app, context, 'GET', '/models', () => catalogue().models.map(({ folder }) => folder));
  addNativeRoute(app, context, 'GET', '/models/:folder', (_call, request, reply) => {
    return folderOf(parameter(request, 'folder'))?.files ?? answerEmpty(reply, 404);
  });
  addNativeRoute(app, context, 'GET', '/experiment/models', () => catalogue().models.filter(isOfModels).map(shownFolder));
  addNativeRoute(app, context, 'GET', '/experiment/models/:folder', (_call, request, reply) => {
    const folder = folderOf(parameter(request, 'folder'));
    return folder ? detailsOf(folder) : answerEmpty(reply, 404);
  });
  addNativeRoute(app, context, 'GET', '/internal/folder_paths', () =>
    Object.fromEntries(catalogue().models.map((folder) => [folder.folder, pathsOf(folder)])),
  );
  addNativeRoute(app, context, 'GET', '/internal/files/:type', ({ caller }, request, reply) => {
    const type = parameter(request, 'type');
    if (!isFolderType(type)) return reply.code(400).send({ error: 'Invalid directory type' });
    return context.store.fileNames({ caller, type, subfolder: '', newestFirst: true });
  });
  addNativeRoute(app, context, 'GET', '/view_metadata/:folder', async (call, request, reply) => {
    const folder = parameter(request, 'folder');
    const filename = queryOf(request, 'filename');
    if (filename === null || folderOf(folder)?.files.includes(filename) !== true) return answerEmpty(reply, 404);
    const metadata = await metadataOf(context, call.deployment(), folder, filename);
    return metadata === null ? answerEmpty(reply, 404) : reply.type('application/json; charset=utf-8').send(JSON.stringify(metadata));
  });
}

/** ComfyUI leaves these two out where it lists models with their folders. */
const isOfModels = ({ folder }: ModelFolder): boolean => folder !== 'configs' && folder !== 'custom_nodes';

/** Paths of containers are nobody's business; as many stand for them, because files name theirs by its place. */
const pathsOf = ({ folder, paths }: ModelFolder): string[] =>
  Array.from({ length: paths }, (_, index) => (index === 0 ? `/models/${folder}` : `/models/${folder}/${index}`));

const shownFolder = (folder: ModelFolder) => ({ name: folder.folder, folders: pathsOf(folder) });

const detailsOf = ({ files, details }: ModelFolder): Json[] => [...(details ?? files.map((name) => ({ name, pathIndex: 0 })))];

/** What a model file says of itself: kept once some container has told it. */
async function metadataOf(
  context: ApiContext,
  deployment: Parameters<typeof passToContainer>[1],
  folder: string,
  filename: string,
): Promise<Json> {
  const { store, clock } = context;
  const name = `view_metadata/${folder}/${filename}`;
  const kept = (await store.document(name)) as { metadata: Json } | null;
  if (kept) return kept.metadata;
  const query = new URLSearchParams({ filename }).toString();
  const path = `/view_metadata/${encodeURIComponent(folder)}?${query}`;
  const answer = await passToContainer(context, deployment, { method: 'GET', path, headers: {}, body: null });
  if (answer?.status !== 200) return null;
  const metadata = parsed(answer.body);
  if (metadata === null) return null;
  await store.saveDocument({ name, value: { metadata }, at: clock.now() });
  return metadata;
}

function parsed(body: Buffer): Json {
  try {
    return JSON.parse(body.toString()) as Json;
  } catch {
    return null;
  }
}
