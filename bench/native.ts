import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Pool } from 'undici';
import { startGateway, type Gateway } from '../src/cli/child-gateway.ts';
import { root, temporaryFolder } from './lib/gateway.ts';
import { staticServer } from './lib/references.ts';
import type { Bench, Figure } from './lib/report.ts';
import { median } from './lib/statistics.ts';

const fileBytes = 20_000_000;
const nodeCount = 2_000;
const rounds = 40;

/** A ComfyUI server that has nothing but many nodes: those of the recording, again and again, each with words of its own to say. */
async function serverWithNodes(): Promise<{ server: Server; url: string }> {
  const recorded = JSON.parse(readFileSync(join(root, 'src/emulator/object-info.json'), 'utf8')) as Record<string, { name: string }>;
  const definitions = Object.values(recorded);
  const words = [...new Set(JSON.stringify(recorded).match(/[a-z]{3,}/gi))];
  const description = (): string => Array.from({ length: 20 }, () => words[Math.floor(Math.random() * words.length)]).join(' ');
  const many = Array.from({ length: nodeCount }, (_, index) => {
    const definition = definitions[index % definitions.length]!;
    const name = index < definitions.length ? definition.name : `${definition.name} ${Math.floor(index / definitions.length)}`;
    return [name, { ...definition, name, description: description() }];
  });
  const body = JSON.stringify(Object.fromEntries(many));
  const server = createServer((request, response) => {
    const found = request.url === '/object_info' ? body : request.url === '/system_stats' ? '{}' : null;
    response.writeHead(found === null ? 404 : 200, { 'content-type': 'application/json' }).end(found ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

interface Answer {
  readonly status: number;
  readonly bytes: number;
  readonly ms: number;
  readonly tag: string;
}

async function get(pool: Pool, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const begun = performance.now();
  const answer = await pool.request({ method: 'GET', path, headers });
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) bytes += chunk.length;
  return { status: answer.statusCode, bytes, ms: performance.now() - begun, tag: String(answer.headers['etag'] ?? '') };
}

/** Megabytes per second, of the median of many reads; both servers in turn, so that both meet the same weather on this machine. */
async function largeFile(gateway: Gateway, folder: string): Promise<Figure> {
  const content = randomBytes(fileBytes);
  writeFileSync(join(folder, 'large.bin'), content);
  const form = new FormData();
  form.set('image', new File([content], 'large.bin'));
  const stored = await fetch(`${gateway.url}/upload/image`, { method: 'POST', body: form });
  if (stored.status !== 200) throw new Error(`POST /upload/image: ${await stored.text()}`);
  const plain = await staticServer(folder);
  const [ours, theirs] = [new Pool(gateway.url, { connections: 1 }), new Pool(plain.urls[0]!, { connections: 1 })];
  const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    const [view, file] = [await get(ours, '/view?filename=large.bin&type=input'), await get(theirs, '/large.bin')];
    if (view.bytes !== fileBytes || file.bytes !== fileBytes) throw new Error(`a file came with ${view.bytes} and ${file.bytes} bytes`);
    // The first ones pay for what is made once.
    if (round < 5) continue;
    times.ours.push(view.ms);
    times.theirs.push(file.ms);
  }
  await Promise.all([ours.close(), theirs.close(), plain.stop()]);
  const speed = (values: number[]): number => fileBytes / 1_000 / median(values);
  const [measured, reference] = [speed(times.ours), speed(times.theirs)];
  return {
    what: '/view of a file of 20 MB',
    value: `${measured.toFixed(0)} MB/s, ${median(times.ours).toFixed(1)} ms`,
    reference: `a plain static server: ${reference.toFixed(0)} MB/s, ${median(times.theirs).toFixed(1)} ms`,
    target: '>= 0.7 of it',
    holds: measured >= 0.7 * reference,
  };
}

async function manyNodes(gateway: Gateway, container: string): Promise<Figure> {
  const [ours, theirs] = [new Pool(gateway.url, { connections: 1 }), new Pool(container, { connections: 1 })];
  const compressed = { 'accept-encoding': 'br' };
  const first = await get(ours, '/object_info', compressed);
  const again: Answer[] = [];
  const known: Answer[] = [];
  const plain: Answer[] = [];
  for (let round = 0; round < rounds; round++) {
    again.push(await get(ours, '/object_info', compressed));
    known.push(await get(ours, '/object_info', { ...compressed, 'if-none-match': first.tag }));
    plain.push(await get(theirs, '/object_info'));
  }
  await Promise.all([ours.close(), theirs.close()]);
  const ms = (answers: Answer[]): string => median(answers.map((answer) => answer.ms)).toFixed(1);
  const kb = ({ bytes }: Answer): string => `${Math.round(bytes / 1_000)} kB`;
  const unchanged = known.every(({ status, bytes }) => status === 304 && bytes === 0);
  return {
    what: `/object_info of ${nodeCount} nodes, compressed`,
    value: `${kb(first)}; first ${first.ms.toFixed(0)} ms, then ${ms(again)} ms; ${unchanged ? '304' : 'not 304'} in ${ms(known)} ms`,
    reference: `straight from the container, as it comes: ${kb(plain[0]!)}, ${ms(plain)} ms`,
    target: 'a tenth of the bytes; 304 when known',
    holds: unchanged && first.bytes <= plain[0]!.bytes / 10,
  };
}

export const nativeBench: Bench = {
  name: 'native',
  what: 'files and lists of the ComfyUI API',
  async run({ say }) {
    const folder = temporaryFolder();
    const { server, url } = await serverWithNodes();
    const config = join(folder, 'comfleet.yaml');
    writeFileSync(config, JSON.stringify({ runtime: 'remote', comfyui: { urls: [url] } }));
    const gateway = await startGateway({ args: ['--config', config], dataDir: join(folder, 'data') });
    say(`a file of ${fileBytes} bytes, ${rounds} times`);
    const file = await largeFile(gateway, folder);
    say(`${nodeCount} nodes, ${rounds} times`);
    const nodes = await manyNodes(gateway, url);
    await gateway.stop();
    server.close();
    server.closeAllConnections();
    return [file, nodes];
  },
};
