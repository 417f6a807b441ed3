import type { NodeDefinition } from '../comfyui/protocol.ts';
import type { Container } from './container.ts';
import { withChoices } from './definitions.ts';
import { answerEmpty, answerJson } from './http.ts';
import { foldersOf, modelFolders } from './model-folders.ts';
import type { Handler, Routes } from './router.ts';
import { featuresOf } from './sockets.ts';
import { systemStatsOf } from './system-stats.ts';

/** A definition with the files of the input folder as choices, where it asks for one. */
async function current(container: Container, name: string): Promise<NodeDefinition | null> {
  const definition = Object.hasOwn(container.definitions, name) ? container.definitions[name] : undefined;
  if (!definition) return null;
  if (name !== 'LoadImage' && name !== 'LoadImageMask') return definition;
  const files = await container.files.list('input');
  return withChoices(definition, 'image', files.filter((file) => /\.(png|jpe?g|webp|gif|bmp|tiff?|avif)$/i.test(file)).sort());
}

const objectInfo: Handler<Container> = async (container, { response }) => {
  const changing = { LoadImage: await current(container, 'LoadImage'), LoadImageMask: await current(container, 'LoadImageMask') };
  answerJson(response, { ...container.definitions, ...changing });
};

const objectInfoOfOne: Handler<Container> = async (container, { parameters: [name = ''], response }) => {
  const definition = await current(container, name);
  answerJson(response, definition ? { [name]: definition } : {});
};

const systemStats: Handler<Container> = ({ profile, version }, { response }) => answerJson(response, systemStatsOf(profile, version));

const constantly =
  (value: unknown): Handler<Container> =>
  (_container, { response }) =>
    answerJson(response, value);

const filesOf = ({ models }: Container, folder: string): readonly string[] | null => {
  if (!Object.hasOwn(modelFolders, folder)) return null;
  return (Object.hasOwn(models, folder) ? models[folder as keyof typeof models] : undefined) ?? [];
};

const modelsOf: Handler<Container> = (container, { parameters: [folder = ''], response }) => {
  const files = filesOf(container, folder);
  return files ? answerJson(response, files) : answerEmpty(response, 404);
};

/** What lists files also tells their size and time: emulated ones have neither. */
const detailedModelsOf: Handler<Container> = (container, { parameters: [folder = ''], response }) => {
  const files = filesOf(container, folder);
  if (!files) return answerEmpty(response, 404);
  return answerJson(
    response,
    files.map((name) => ({ name, pathIndex: 0, modified: 0, created: 0, size: 0 })),
  );
};

/** Folders of the browser's model list: not those of code. */
const modelList: Handler<Container> = ({ files }, { response }) => {
  const names = Object.keys(modelFolders).filter((name) => name !== 'configs' && name !== 'custom_nodes');
  answerJson(
    response,
    names.map((name) => ({ name, folders: foldersOf(name, files.root) })),
  );
};

const folderPaths: Handler<Container> = ({ files }, { response }) =>
  answerJson(response, Object.fromEntries(Object.keys(modelFolders).map((name) => [name, foldersOf(name, files.root)])));

/** The header of a model file, as far as it has one. */
const metadata: Handler<Container> = (container, { parameters: [folder = ''], query, response }) => {
  const name = query.get('filename') ?? '';
  const isThere = name.endsWith('.safetensors') && filesOf(container, folder)?.includes(name) === true;
  return isThere ? answerJson(response, { format: 'pt' }) : answerEmpty(response, 404);
};

/** What a container is and has. */
export const infoRoutes: Routes<Container> = {
  '/object_info': { GET: objectInfo },
  '/object_info/*': { GET: objectInfoOfOne },
  '/system_stats': { GET: systemStats },
  '/features': { GET: ({ settings }, { response }) => answerJson(response, featuresOf(settings)) },
  '/embeddings': { GET: constantly([]) },
  '/extensions': { GET: constantly([]) },
  '/models': { GET: constantly(Object.keys(modelFolders)) },
  '/models/*': { GET: modelsOf },
  '/view_metadata/*': { GET: metadata },
  '/experiment/models': { GET: modelList },
  '/experiment/models/*': { GET: detailedModelsOf },
  '/experiment/models/preview/*/*/*': { GET: (_container, { response }) => answerEmpty(response, 404) },
  '/internal/folder_paths': { GET: folderPaths },
};
