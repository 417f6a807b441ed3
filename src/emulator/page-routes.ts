import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Container } from './container.ts';
import { answer, answerEmpty, answerJson, answerText, readBody, readJson } from './http.ts';
import type { Handler, Routes } from './router.ts';

/** What ComfyUI's own page asks for and stores. The page itself is not part of the emulator. */

const userFolder = ({ files }: Container): string => join(files.root, 'user', 'default');
const settingsFile = (container: Container): string => join(userFolder(container), 'comfy.settings.json');

/** Where a user's file lies, or null when the name leads out of the user's folder. */
function userFile(container: Container, name: string): string | null {
  const base = userFolder(container);
  const path = resolve(base, name);
  return path.startsWith(base + sep) ? path : null;
}

async function settingsOf(container: Container): Promise<Record<string, unknown>> {
  const file = settingsFile(container);
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>) : {};
}

async function changeSettings(container: Container, changes: object): Promise<void> {
  await mkdir(userFolder(container), { recursive: true });
  await writeFile(settingsFile(container), JSON.stringify({ ...(await settingsOf(container)), ...changes }));
}

const setting: Handler<Container> = async (container, { parameters: [name = ''], response }) =>
  answerJson(response, (await settingsOf(container))[name] ?? null);

const setSettings: Handler<Container> = async (container, call) => {
  await changeSettings(container, (await readJson(call)) as object);
  answerEmpty(call.response);
};

const setSetting: Handler<Container> = async (container, call) => {
  await changeSettings(container, { [call.parameters[0] ?? '']: await readJson(call) });
  answerEmpty(call.response);
};

interface Listed {
  readonly path: string;
  readonly isFolder: boolean;
  readonly size: number;
  readonly modified: number;
  readonly created: number;
}

/** What lies in a folder, by paths relative to it. */
async function listFolder(folder: string, recurse: boolean): Promise<Listed[]> {
  const found: Listed[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: recurse })) {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs, birthtimeMs } = await stat(path);
    const times = { modified: mtimeMs / 1000, created: birthtimeMs / 1000 };
    found.push({ path: relative(folder, path), isFolder: entry.isDirectory(), size, ...times });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const listUserData: Handler<Container> = async (container, { query, response }) => {
  const folder = query.get('dir') ?? '';
  if (folder === '') return answerText(response, 400, 'Directory not provided');
  const path = userFile(container, folder);
  if (path === null) return answerEmpty(response, 403);
  if (!existsSync(path)) return answerText(response, 404, 'Directory not found');
  const files = (await listFolder(path, query.get('recurse') === 'true')).filter(({ isFolder }) => !isFolder);
  if (query.get('full_info') !== 'true') {
    const split = query.get('split') === 'true';
    return answerJson(
      response,
      files.map((file) => (split ? [file.path, ...file.path.split('/')] : file.path)),
    );
  }
  return answerJson(
    response,
    files.map(({ path: name, size, modified, created }) => ({ path: name, size, modified, created })),
  );
};

const listUserDataV2: Handler<Container> = async (container, { query, response }) => {
  const asked = query.get('path') ?? '';
  const path = asked === '' ? userFolder(container) : userFile(container, asked);
  if (path === null) return answerText(response, 403, 'Invalid path requested');
  if (!existsSync(path)) return asked === '' ? answerJson(response, []) : answerText(response, 404, 'Requested path not found');
  const found = await listFolder(path, false);
  return answerJson(
    response,
    found.map(({ path: name, isFolder, size, modified }) => {
      const entry = { name, path: relative(userFolder(container), join(path, name)), type: isFolder ? 'directory' : 'file' };
      return isFolder ? entry : { ...entry, size, modified };
    }),
  );
};

/** Does something with a user's file, or says why not: 403 outside of the folder, 404 where none is. */
const withUserFile =
  (work: (container: Container, path: string, call: Parameters<Handler<Container>>[1]) => Promise<void>): Handler<Container> =>
  async (container, call) => {
    const path = userFile(container, call.parameters[0] ?? '');
    if (path === null) return answerEmpty(call.response, 403);
    if (!existsSync(path)) return answerEmpty(call.response, 404);
    return work(container, path, call);
  };

const getUserFile = withUserFile(async ({ files }, path, { response }) => {
  const file = files.info(path);
  if (!file) return answerEmpty(response, 404);
  response.setHeader('ETag', file.etag);
  response.setHeader('Last-Modified', file.modified.toUTCString());
  response.setHeader('Accept-Ranges', 'bytes');
  return answer(response, 200, path.endsWith('.json') ? 'application/json' : 'application/octet-stream', await files.read(file));
});

const deleteUserFile = withUserFile(async (_container, path, { response }) => {
  await rm(path);
  response.writeHead(204);
  response.end();
});

/** Tells what was stored: the name, or with `full_info` more. */
async function tellStored(container: Container, path: string, { query, response }: Parameters<Handler<Container>>[1]): Promise<void> {
  const name = relative(userFolder(container), path);
  if (query.get('full_info') !== 'true') return answerJson(response, name);
  const { size, mtimeMs, birthtimeMs } = await stat(path);
  return answerJson(response, { path: name, size, modified: mtimeMs / 1000, created: birthtimeMs / 1000 });
}

const putUserFile: Handler<Container> = async (container, call) => {
  const path = userFile(container, call.parameters[0] ?? '');
  if (path === null) return answerEmpty(call.response, 403);
  if (call.query.get('overwrite') === 'false' && existsSync(path)) return answerText(call.response, 409, 'File already exists');
  const content = await readBody(call);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return tellStored(container, path, call);
};

const moveUserFile = withUserFile(async (container, path, call) => {
  const target = userFile(container, call.parameters[1] ?? '');
  if (target === null) return answerEmpty(call.response, 403);
  if (call.query.get('overwrite') === 'false' && existsSync(target)) return answerText(call.response, 409, 'File already exists');
  await mkdir(dirname(target), { recursive: true });
  await rename(path, target);
  return tellStored(container, target, call);
});

/** ComfyUI answers with its page. Whoever opens an emulated container in a browser learns what it is. */
const page: Handler<Container> = ({ profile }, { response }) => {
  for (const [name, value] of Object.entries({ 'Cache-Control': 'no-cache', Pragma: 'no-cache', Expires: '0' }))
    response.setHeader(name, value);
  const text = `An emulated ComfyUI (profile ${profile.name}): it answers the API, and has no page.`;
  answer(response, 200, 'text/html', `<!doctype html><title>ComfyUI, emulated</title><p>${text}</p>\n`);
};

const subscribe: Handler<Container> = async (container, call) => {
  const { clientId, enabled } = (await readJson(call)) as { clientId?: unknown; enabled?: unknown };
  container.logs.subscribe(String(clientId), enabled === true);
  answerEmpty(call.response);
};

export const pageRoutes: Routes<Container> = {
  '/': { GET: page },
  '/users': { GET: (_container, { response }) => answerJson(response, { storage: 'server', migrated: false }) },
  '/settings': { GET: async (container, { response }) => answerJson(response, await settingsOf(container)), POST: setSettings },
  '/settings/*': { GET: setting, POST: setSetting },
  '/userdata': { GET: listUserData },
  '/v2/userdata': { GET: listUserDataV2 },
  '/userdata/*': { GET: getUserFile, POST: putUserFile, DELETE: deleteUserFile },
  '/userdata/*/move/*': { POST: moveUserFile },
  '/i18n': { GET: (_container, { response }) => answerJson(response, {}) },
  '/workflow_templates': { GET: (_container, { response }) => answerJson(response, {}) },
  '/internal/logs': { GET: ({ logs }, { response }) => answerJson(response, logs.text()) },
  '/internal/logs/raw': { GET: ({ logs }, { response }) => answerJson(response, logs.raw()) },
  '/internal/logs/subscribe': { PATCH: subscribe },
};
