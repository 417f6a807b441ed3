/** The process that `load.ts` starts: `client.ts SPEC`; its result is one JSON value on standard output. */
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import type { LoadResult, LoadSpec } from './load.ts';
import { pause } from '../../src/cli/child-processes.ts';
import { plainGraph } from './workflows.ts';

const spec = JSON.parse(process.argv[2] ?? '') as LoadSpec;
const connections = 'clients' in spec.pacing ? Math.min(spec.pacing.clients, 1_000) : 256;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

class Server {
  readonly #pool: Pool;
  #socket: Promise<WebSocket> | null = null;
  readonly #url: string;
  readonly #ends = new Map<string, () => void>();

  constructor(url: string) {
    this.#url = url;
    this.#pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  }

  async call(method: 'GET' | 'POST', path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
    const answer = await this.#pool.request({ method, path, ...content });
    return { status: answer.statusCode, body: Buffer.from(await answer.body.arrayBuffer()) };
  }

  async json<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path.replace(/[\w-]{20,}/g, 'ID')}: status ${answer.status}`);
    return JSON.parse(answer.body.toString()) as T;
  }

  async picture(path: string): Promise<void> {
    const { status, body } = await this.call('GET', path);
    if (status !== 200 || !isPng(body)) throw new Error(`status ${status} and no picture`);
  }

  /** Settles when ComfyUI says on its socket that the prompt is done. */
  async listen(): Promise<(promptId: string) => Promise<void>> {
    this.#socket ??= new Promise((resolve, reject) => {
      const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/ws?clientId=bench`);
      socket.on('message', (data: Buffer) => {
        const message = data.toString();
        if (!message.startsWith('{"type":"executing","data":{"node":null')) return;
        const { prompt_id } = (JSON.parse(message) as { data: { prompt_id: string } }).data;
        this.#ends.get(prompt_id)?.();
        this.#ends.delete(prompt_id);
      });
      socket.once('open', () => resolve(socket)).once('error', reject);
    });
    await this.#socket;
    return (promptId) => new Promise<void>((resolve) => this.#ends.set(promptId, resolve));
  }

  async close(): Promise<void> {
    (await this.#socket)?.close();
    await this.#pool.close();
  }
}

const isPng = (bytes: Buffer): boolean => bytes.subarray(1, 4).toString() === 'PNG';

type Outputs = Record<string, { outputs: Record<string, { images?: { filename: string; subfolder: string; type: string }[] }> }>;

const jobs: Record<LoadSpec['kind'], (server: Server, index: number) => Promise<void>> = {
  async simple(server, index) {
    const { status, body } = await server.call('POST', '/', inputs(index));
    if (status !== 200) throw new Error(`status ${status}: ${body.toString().slice(0, 200)}`);
    if (!isPng(body)) throw new Error('no picture');
  },
  async accepted(server, index) {
    const { status, body } = await server.call('POST', '/', inputs(index), { prefer: 'respond-async' });
    if (status !== 202) throw new Error(`status ${status}: ${body.toString().slice(0, 200)}`);
  },
  async bare(server, index) {
    const { status } = await server.call('POST', '/', inputs(index));
    if (status !== 202) throw new Error(`status ${status}`);
  },
  async direct(server, index) {
    const prompt_id = `bench-${index}`;
    const ended = (await server.listen())(prompt_id);
    await server.json('POST', '/prompt', { prompt: plainGraph(index + 1), client_id: 'bench', prompt_id });
    await ended;
    const history = await server.json<Outputs>('GET', `/history/${prompt_id}`);
    const file = history[prompt_id]?.outputs['2']?.images?.[0];
    if (!file) throw new Error('no picture in the history');
    await server.picture(`/view?${new URLSearchParams(file).toString()}`);
  },
  async v2(server, index) {
    const path = '/api/v2/jobs';
    const { id } = await server.json<{ id: string }>('POST', path, { workflow: plainGraph(index + 1) });
    for (;;) {
      const job = await server.json<{ status: string; outputs: { id: string }[] }>('GET', `${path}/${id}`);
      if (job.status === 'failed') throw new Error('failed');
      const [picture] = job.outputs;
      if (picture) return server.picture(`/api/v2/assets/${picture.id}/content`);
      await pause(5);
    }
  },
};

const inputs = (index: number): object =>
  spec.prompts ? { prompt: spec.prompts[Math.floor(Math.random() * spec.prompts.length)] } : { color: index + 1 };

async function drive(): Promise<LoadResult> {
  const servers = spec.urls.map((url) => new Server(url));
  const answers: { at: number; ms: number }[] = [];
  const failures: Record<string, number> = {};
  const begun = performance.now();
  const elapsed = (): number => performance.now() - begun;
  let next = 0;
  const one = async (): Promise<void> => {
    const index = next++;
    const at = elapsed();
    try {
      await jobs[spec.kind](servers[index % servers.length]!, index);
      answers.push({ at, ms: elapsed() - at });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures[reason] = (failures[reason] ?? 0) + 1;
    }
  };
  const more = (): boolean => next < spec.jobs && elapsed() < (spec.seconds ?? Infinity) * 1_000;
  const { pacing } = spec;
  if ('perSecond' in pacing) await openLoop((count) => (count * 1_000) / pacing.perSecond, more, one, elapsed);
  else if ('atMs' in pacing) await openLoop((count) => pacing.atMs[count] ?? 0, more, one, elapsed);
  else await closedLoop(pacing, more, one);
  const seconds = elapsed() / 1_000;
  await Promise.all(servers.map((server) => server.close()));
  return { answers, failures, seconds };
}

async function openLoop(
  timeOf: (count: number) => number,
  more: () => boolean,
  one: () => Promise<void>,
  elapsed: () => number,
): Promise<void> {
  const running: Promise<void>[] = [];
  for (let count = 0; more(); count++) {
    const wait = timeOf(count) - elapsed();
    if (wait > 0) await pause(wait);
    running.push(one());
  }
  await Promise.all(running);
}

async function closedLoop({ clients }: { clients: number }, more: () => boolean, one: () => Promise<void>): Promise<void> {
  const client = async (): Promise<void> => {
    while (more()) await one();
  };
  await Promise.all(Array.from({ length: clients }, client));
}

process.stdout.write(JSON.stringify(await drive()));
