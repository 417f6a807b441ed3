import { posix } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ComfleetError } from '../../errors.ts';
import { isObject } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { sendFile } from '../send-file.ts';
import type { Api } from '../api.ts';
import { answerEmpty, answerText, answerTrouble } from './answers.ts';
import { subfolderOf } from './file-names.ts';
import { mimeOf } from './mime.ts';
import { addNativeRoute, parameter, queryOf } from './route.ts';
import { UserFiles, userLimits, type UserFile } from './user-files.ts';

/** What ComfyUI's page keeps for its user: settings, workflows. Each caller is a user. */
export function addUserRoutes(app: Api, context: ApiContext): void {
  const users = new UserFiles(context);
  void app.register(async (scope: Api) => {
    // Bodies are files: what they are is nobody's business here.
    scope.removeContentTypeParser(['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data']);
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: userLimits.fileBytes }, (_request, body, done) => done(null, body));
    addSettings(scope, context, users);
    addFiles(scope, context, users);
    addFolders(scope, context, users);
  });
}

function addSettings(app: Api, context: ApiContext, users: UserFiles): void {
  addNativeRoute(app, context, 'GET', '/settings', async ({ caller }) => Object.fromEntries(await users.settings(caller)));
  addNativeRoute(app, context, 'GET', '/settings/:id', async ({ caller }, request, reply) => {
    const value = (await users.settings(caller)).get(parameter(request, 'id')) ?? null;
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(value));
  });
  addNativeRoute(app, context, 'POST', '/settings', async ({ caller }, request, reply) => {
    const { value } = jsonBody(request);
    if (!isObject(value)) return answerTrouble(reply);
    await users.changeSettings(caller, Object.entries(value));
    return answerEmpty(reply);
  });
  addNativeRoute(app, context, 'POST', '/settings/:id', async ({ caller }, request, reply) => {
    const { value } = jsonBody(request);
    if (value === undefined) return answerTrouble(reply);
    await users.changeSettings(caller, [[parameter(request, 'id'), value]]);
    return answerEmpty(reply);
  });
}

function addFiles(app: Api, context: ApiContext, users: UserFiles): void {
  addNativeRoute(app, context, 'GET', '/userdata/:file', async ({ caller }, request, reply) => {
    const path = pathOf(parameter(request, 'file'));
    if (typeof path === 'number') return answerEmpty(reply, path);
    const [file, content] = await Promise.all([users.find(caller, path), users.read(caller, path)]);
    return file && content ? sendUserFile(context, request, reply, file, content) : answerEmpty(reply, 404);
  });
  addNativeRoute(app, context, 'POST', '/userdata/:file', async ({ caller }, request, reply) => {
    const path = pathOf(parameter(request, 'file'));
    if (typeof path === 'number') return answerEmpty(reply, path);
    const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const file = await users.write(caller, path, content, { overwrite: mayOverwrite(request) });
    return file ? described(request, reply, file) : answerText(reply, 409, 'File already exists');
  });
  addNativeRoute(app, context, 'DELETE', '/userdata/:file', async ({ caller }, request, reply) => {
    const path = pathOf(parameter(request, 'file'));
    if (typeof path === 'number') return answerEmpty(reply, path);
    return answerEmpty(reply, (await users.remove(caller, path)) ? 204 : 404);
  });
  addNativeRoute(app, context, 'POST', '/userdata/:file/move/:dest', async ({ caller }, request, reply) => {
    const [from, to] = [pathOf(parameter(request, 'file')), pathOf(parameter(request, 'dest'))];
    if (typeof from === 'number') return answerEmpty(reply, from);
    if (typeof to === 'number') return answerEmpty(reply, to);
    const moved = await users.move(caller, from, to, { overwrite: mayOverwrite(request) });
    if (moved === 'taken') return answerText(reply, 409, 'File already exists');
    return moved === 'missing' ? answerEmpty(reply, 404) : described(request, reply, moved);
  });
}

function addFolders(app: Api, context: ApiContext, users: UserFiles): void {
  addNativeRoute(app, context, 'GET', '/userdata', async ({ caller }, request, reply) => {
    const asked = queryOf(request, 'dir') ?? '';
    if (asked === '') return answerText(reply, 400, 'Directory not provided');
    const folder = subfolderOf(asked);
    if (folder === null) return answerText(reply, 403, 'Invalid directory');
    const below = filesBelow(await users.list(caller), folder);
    if (below.length === 0) return answerText(reply, 404, 'Directory not found');
    const recurse = isTrue(request, 'recurse');
    const shown = below.filter(({ path }) => recurse || !path.includes('/'));
    if (isTrue(request, 'full_info')) return shown.map(fileInfo);
    return shown.map(({ path }) => (isTrue(request, 'split') ? [path, ...path.split('/')] : path));
  });
  addNativeRoute(app, context, 'GET', '/v2/userdata', async ({ caller }, request, reply) => {
    const folder = subfolderOf(queryOf(request, 'path') ?? '');
    if (folder === null) return answerText(reply, 403, 'Invalid path');
    const below = filesBelow(await users.list(caller), folder);
    if (below.length === 0 && folder !== '') return answerText(reply, 404, 'Requested path not found');
    const at = (name: string): string => posix.join(folder, name);
    const folders = new Set(below.filter(({ path }) => path.includes('/')).map(({ path }) => path.split('/')[0] as string));
    const files = below.filter(({ path }) => !path.includes('/'));
    return [
      ...[...folders].map((name) => ({ name, path: at(name), type: 'directory' })),
      ...files.map((file) => ({ name: file.path, path: at(file.path), type: 'file', size: file.size, modified: file.modified / 1000 })),
    ];
  });
}

/** The path in the one form that it is kept in, or the status that refuses it. */
function pathOf(given: string): string | 400 | 403 {
  if (given === '') return 400;
  const path = subfolderOf(given);
  return path === null || path === '' ? 403 : path;
}

/** With paths from the folder on. */
const filesBelow = (files: readonly UserFile[], folder: string): UserFile[] => {
  const start = folder === '' ? '' : `${folder}/`;
  return files.filter(({ path }) => path.startsWith(start)).map((file) => ({ ...file, path: file.path.slice(start.length) }));
};

const fileInfo = ({ path, size, created, modified }: UserFile) => ({ path, size, modified: modified / 1000, created: created / 1000 });

const isTrue = (request: FastifyRequest, key: string): boolean => queryOf(request, key)?.toLowerCase() === 'true';

const mayOverwrite = (request: FastifyRequest): boolean => queryOf(request, 'overwrite') !== 'false';

function described(request: FastifyRequest, reply: FastifyReply, file: UserFile): FastifyReply {
  const value = isTrue(request, 'full_info') ? fileInfo(file) : file.path;
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(value));
}

function sendUserFile({ assets }: ApiContext, request: FastifyRequest, reply: FastifyReply, file: UserFile, content: Buffer) {
  const { path, modified, size } = file;
  const tag = `${modified.toString(16)}-${size.toString(16)}`;
  const sent = { content, bytes: content.length, mime: mimeOf(path), tag, filename: path, cacheControl: 'private, no-cache' };
  return sendFile(request, reply, assets, sent).catch((error: unknown) => {
    if (error instanceof ComfleetError && error.code === 'range_not_satisfiable') return answerEmpty(reply, 416);
    throw error;
  });
}

/** Value undefined: it is no JSON. */
function jsonBody(request: FastifyRequest): { value: unknown } {
  try {
    return { value: JSON.parse(Buffer.isBuffer(request.body) ? request.body.toString() : '') };
  } catch {
    return { value: undefined };
  }
}
