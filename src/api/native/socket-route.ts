import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { toProblem } from '../../errors.ts';
import { principalOf } from '../auth.ts';
import type { ApiContext } from '../context.ts';
import type { Lifetime } from '../lifetime.ts';
import { checkOrigin } from '../origin.ts';
import type { Api } from '../api.ts';
import { byTarget } from '../simple.ts';
import { answerText } from './answers.ts';
import { addNativeRoute } from './route.ts';
import type { NativeSockets, SocketOwner } from './sockets.ts';
import { Unread } from './unread.ts';

/** As much as ComfyUI reads in one message, though clients say little. */
const mostBytesHeard = 4 * 2 ** 20;
/** Each keeps memory of its own. */
const mostFragments = 256;
/** What all clients together may have begun to say. */
const mostBytesUnread = 64 * 2 ** 20;
/** A client id is kept and compared; nobody needs a long one. */
const maxClientIdLength = 1_000;
/** When the gateway goes, sockets get so long for what is on its way. */
const closingMs = 500;

const handshake = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: mostBytesHeard,
  maxFragments: mostFragments,
});

const path = /^(?:\/d\/([^/]+))?(?:\/api)?\/ws\/?$/;

/** `GET /ws`, at each place of the dialect. Whoever cannot send headers, such as a page, puts its key into the query as `token`. */
export function addSocketRoute(app: Api, context: ApiContext, { sockets, lifetime }: { sockets: NativeSockets; lifetime: Lifetime }): void {
  addNativeRoute(app, context, 'GET', '/ws', (_call, request, reply) =>
    answerText(reply, 400, `No WebSocket UPGRADE hdr: ${request.headers.upgrade ?? 'None'}\n Can "Upgrade" only to "WebSocket".`),
  );
  const unread = new Unread(mostBytesUnread);
  app.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    let owner: SocketOwner | null;
    try {
      owner = lifetime.closing() ? null : ownerOf(context, request);
    } catch (error) {
      return refuse(stream, error);
    }
    if (!owner) return refuse(stream, null);
    handshake.handleUpgrade(request, stream, head, (socket) => {
      const one = sockets.add(socket, stream, owner);
      // What was wrong with a message is on its way to the client as the reason of the close, and gets its time to arrive.
      socket.on('error', () => one.close(1002, 'the connection is broken'));
      unread.watch(socket, stream, () => one.close(1013, 'too many long messages at once'));
      const { key } = owner.caller;
      const forgets = [
        lifetime.onClose(() => one.close(1001, 'the gateway is shutting down', closingMs)),
        ...(key === null ? [] : [context.keys.onRevoked(key, () => one.close(1008, 'the key was revoked'))]),
      ];
      socket.once('close', () => {
        for (const forget of forgets) forget();
      });
    });
  });
}

/** Null: there is nothing here. Errors: `bad_origin`, `unauthorized`, `unknown_deployment`. */
function ownerOf(context: ApiContext, request: IncomingMessage): SocketOwner | null {
  checkOrigin(request.headers, context.config.network);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const match = path.exec(pathname);
  if (!match || request.headers.upgrade?.toLowerCase() !== 'websocket') return null;
  const { key, role } = principalOf(request, searchParams.get('token'), 'invoke', context);
  const target = match[1];
  const { name, environment } = target === undefined ? context.deployments.get(null) : byTarget(context, decodeURIComponent(target));
  const caller = { workspace: context.config.workspace.name, key };
  const seesAll = key !== null && role === 'admin';
  return {
    caller,
    scope: { deployment: name, environment, caller: seesAll ? null : caller },
    clientId: (searchParams.get('clientId') ?? '').slice(0, maxClientIdLength),
  };
}

/** An upgrade is answered by hand. */
function refuse(stream: Duplex, error: unknown): void {
  const { status, code, detail, next } =
    error === null ? { status: 404, code: 'not_found', detail: 'There is no socket here', next: '' } : toProblem(error);
  const body = JSON.stringify({ error: { type: code, message: detail, details: next, extra_info: {} }, node_errors: {} });
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
