import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** What `GET /fleet/v1/overview` does next. */
export type Answer = { kind: 'document'; document: unknown } | { kind: 'problem'; status: number; problem: unknown } | { kind: 'silent' };

/** Serves the built page under /dashboard/ as the gateway does, with an overview, shadows and an event stream that the test holds in its hands. */
export class PageServer {
  answer: Answer = { kind: 'silent' };
  /** Of every deployment. */
  shadow: Answer = { kind: 'silent' };
  reads = 0;
  readonly #streams = new Set<ServerResponse>();
  readonly #outDir: string;
  readonly #server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    response.setHeader('content-security-policy', "default-src 'self'");
    if (pathname === '/fleet/v1/overview') this.#overview(response);
    else if (pathname.endsWith('/shadow')) send(this.shadow, response);
    else if (pathname === '/fleet/v1/events') this.#events(response);
    else void this.#file(fileOf(pathname), response);
  });
  #event = 0;

  constructor(outDir: string) {
    this.#outDir = outDir;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Pages that listen to events now. */
  get listeners(): number {
    return this.#streams.size;
  }

  /** Something happened in the fleet. */
  tick(): void {
    for (const stream of this.#streams) stream.write(`id: ${++this.#event}\nevent: container\ndata: {}\n\n`);
  }

  /** The gateway is gone: streams break, the overview breaks off. */
  hangUp(): void {
    this.answer = { kind: 'silent' };
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #overview(response: ServerResponse): void {
    this.reads++;
    send(this.answer, response);
  }

  #events(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).write(': hello\n\n');
    this.#streams.add(response);
    response.once('close', () => this.#streams.delete(response));
  }

  async #file(name: string, response: ServerResponse): Promise<void> {
    try {
      const bytes = await readFile(path.join(this.#outDir, path.normalize(`/${name}`)));
      response.writeHead(200, { 'content-type': types[path.extname(name)] ?? 'application/octet-stream' }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }
}

/** Views of the page have paths of their own; only names with an ending are files. */
function fileOf(pathname: string): string {
  const file = pathname.replace(/^\/dashboard\/?/, '');
  return path.extname(file) === '' ? 'index.html' : file;
}

function send(answer: Answer, response: ServerResponse): void {
  if (answer.kind === 'silent') return;
  const [status, body] = answer.kind === 'document' ? [200, answer.document] : [answer.status, answer.problem];
  response
    .writeHead(status, { 'content-type': status === 200 ? 'application/json' : 'application/problem+json' })
    .end(JSON.stringify(body));
}
