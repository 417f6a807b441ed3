import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { UntakenJson } from '../exact-json.ts';
import type { Clock } from '../fleet/clock.ts';
import { Container } from './container.ts';
import type { ComfyuiVersion } from './container.ts';
import type { EmulatedLogLine } from './logs.ts';
import { usualModels } from './definitions.ts';
import type { ModelFolders } from './definitions.ts';
import { ContainerClosed } from './executor.ts';
import type { Faults } from './faults.ts';
import { readFlags } from './flags.ts';
import { BodyTooLarge, answerEmpty, answerRefusal, answerText, answerTrouble, isForeign } from './http.ts';
import type { PixelPool } from './pixels/pool.ts';
import type { Profile } from './profile.ts';
import type { PromptQueue } from './queue.ts';
import { dispatch } from './router.ts';
import { routes } from './routes.ts';
import { seededDraws } from './seeded.ts';
import { handshakeError } from './sockets.ts';

export interface EmulatedServerOptions {
  readonly profile: Profile;
  readonly clock: Clock;
  /** Makes its timing its own: the same name draws the same times. */
  readonly name: string;
  /** Holds its input, output and temp folders, which are made when something is first written. Whoever chose it removes it. */
  readonly folder: string;
  /** Shared by all containers of the process. */
  readonly pixels: PixelPool;
  readonly models?: ModelFolders;
  readonly faults?: Faults;
  /** ComfyUI's own flags, such as `--cache-none`; see flags.ts. */
  readonly flags?: readonly string[];
  readonly version?: ComfyuiVersion;
  /** What its queue and its history hold at first, as if it had run before. */
  readonly state?: Parameters<PromptQueue['restore']>[0];
  /** Called once when the fault `crash` has taken the container down. */
  readonly onCrash?: () => void;
  readonly host?: string;
  /** 0 (the default): any free one. */
  readonly port?: number;
}

export interface EmulatedServer {
  /** `http://127.0.0.1:49152` */
  readonly url: string;
  /** Stops at once: connections end, what runs is lost, as with a real server. Files stay. */
  close(): Promise<void>;
  setFaults(faults: Faults): void;
  /** Calls `listener` for each later line of its log, until the returned function is called. */
  log(listener: (line: EmulatedLogLine) => void): () => void;
}

/** aiohttp's: connections without a request end after this. */
const keepAliveMs = 75_000;

/**
 * Starts one emulated ComfyUI server; the promise settles when it answers. The time of a cold start is the caller's to wait
 * (`startSeconds`). Rejects with the system's error when the port cannot be taken.
 */
export async function startEmulatedServer(options: EmulatedServerOptions): Promise<EmulatedServer> {
  const { profile, clock, folder, pixels, models = usualModels, faults = {}, host = '127.0.0.1', port = 0 } = options;
  const { version = '0.3.64', flags = [], state } = options;
  const settings = readFlags(flags);
  const container = new Container({ profile, clock, folder, pixels, models, faults, settings, version, draws: seededDraws(options.name) });
  if (state) container.queue.restore(state);
  // As ComfyUI does: what another life left there is gone.
  rmSync(container.files.folder('temp'), { recursive: true, force: true });
  const http = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => void respond(request, response));
  let closed: Promise<void> | null = null;

  const close = (): Promise<void> => {
    closed ??= new Promise<void>((resolve) => {
      http.close(() => resolve());
      container.close();
      http.closeAllConnections();
    });
    return closed;
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    await handle(container, request, response);
    const accepted = request.method === 'POST' && response.statusCode === 200 && /^(\/api)?\/prompt$/.test(request.url ?? '');
    if (!accepted || !container.faults.crash) return;
    container.faults = { ...container.faults, crash: false };
    await finished(response);
    await close();
    options.onCrash?.();
  };

  http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://container');
    if ((settings.cors === null && isForeign(request)) || (pathname !== '/ws' && pathname !== '/api/ws'))
      return void stream.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    const error = handshakeError(request.headers);
    if (error !== null) return void stream.end(plainRefusal(error));
    return container.sockets.accept(request, stream, head, searchParams.get('clientId') ?? '');
  });
  const { slowStart = 0 } = faults;
  if (slowStart > 0) await new Promise<void>((resolve) => clock.at(clock.now() + slowStart * 1000, resolve));
  await listen(http, host, port);
  return {
    url: `http://${host}:${(http.address() as AddressInfo).port}`,
    close,
    setFaults: (wanted) => container.setFaults(wanted),
    log: (listener) => {
      container.logs.listeners.add(listener);
      return () => container.logs.listeners.delete(listener);
    },
  };
}

/** An upgrade is answered by hand. */
const plainRefusal = (text: string): string =>
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
  `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`;

async function listen(http: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.off('error', reject);
      resolve();
    });
  });
}

/** Answers one request. What goes wrong inside becomes ComfyUI's 500. */
async function handle(container: Container, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { cors } = container.settings;
  const maximumBody = Math.round(container.settings.maximumBody);
  if (cors !== null) allowOrigin(response, cors);
  if (request.method === 'OPTIONS') return answerEmpty(response);
  if (cors === null && isForeign(request)) return answerEmpty(response, 403);
  try {
    await dispatch(routes[container.version], container, request, response, maximumBody);
  } catch (error) {
    if (error instanceof ContainerClosed || response.headersSent) {
      response.destroy();
    } else if (error instanceof BodyTooLarge) {
      answerText(response, 413, `Maximum request body size ${maximumBody} exceeded.`);
    } else if (error instanceof UntakenJson) {
      answerRefusal(response, 'invalid_body', error.message);
    } else {
      container.log(`Error handling request: ${String(error)}`, 'stderr');
      answerTrouble(response);
    }
  }
  return undefined;
}

function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Allow-Methods', 'POST, GET, DELETE, PUT, OPTIONS');
  response.setHeader('Access-Control-Allow-Headers', 'Content-Type, Authorization');
  response.setHeader('Access-Control-Allow-Credentials', 'true');
}
