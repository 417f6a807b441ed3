/** The process that `socket-load.ts` starts: `socket-client.ts SPEC`; its result is one JSON value on standard output. */
import { once } from 'node:events';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import { pause } from '../../src/cli/child-processes.ts';
import type { SocketLoadResult, SocketLoadSpec } from './socket-load.ts';
import { stamp, stampOf } from './stamp.ts';
import { openUnread } from './unread.ts';
import { previewGraph } from './workflows.ts';

const spec = JSON.parse(process.argv[2] ?? '') as SocketLoadSpec;
const { urls, previews: steps, previewBytes: bytes, loud } = spec;

/** Kinds of binary frames that show pictures. */
const pictures: ReadonlySet<number> = new Set([1, 4]);
const openAtOnce = 50;
/** After the last prompt. */
const patienceMs = 15_000;
/** Other clients in each round: what an earlier one has not heard must not be told to this one. */
const clientId = (index: number): string => `client-${process.pid}-${index}`;
const loudId = `loud-${process.pid}`;

const delays = { previews: [] as number[], steps: [] as number[], ends: [] as number[] };
const failures: Record<string, number> = {};
const fail = (reason: string): void => void (failures[reason] = (failures[reason] ?? 0) + 1);
/** Prompts under way, by id: when the container said that all went well, once it is known. */
const underWay = new Map<string, { readonly client: string; succeededAt: number }>();
const pools = urls.map((url) => new Pool(url, { connections: Math.ceil(128 / urls.length), headersTimeout: 0, bodyTimeout: 0 }));
let prompts = 0;

interface Message {
  readonly type: string;
  readonly data: { readonly prompt_id?: string; readonly node?: string | null; readonly sent_at?: number };
}

function hear(client: string, data: Buffer, isBinary: boolean): void {
  const at = stamp();
  if (isBinary) {
    if (pictures.has(data.readUInt32BE(0))) delays.previews.push(at - stampOf(data));
    return;
  }
  const { type, data: said } = JSON.parse(data.toString()) as Message;
  if (said.prompt_id === undefined) return;
  const prompt = underWay.get(said.prompt_id);
  if (prompt?.client !== client) return fail("a message of somebody else's prompt");
  const isEnd = type === 'executing' && said.node === null;
  if (type === 'execution_error') fail(`a prompt failed: ${data.toString().slice(0, 300)}`);
  if (type === 'execution_success') prompt.succeededAt = said.sent_at ?? Number.NaN;
  const isLast = isEnd || type === 'execution_success';
  // The gateway's own last message follows the container's word that all went well.
  (isLast ? delays.ends : delays.steps).push(at - (said.sent_at ?? prompt.succeededAt));
  if (isEnd) underWay.delete(said.prompt_id);
}

async function open(index: number): Promise<WebSocket> {
  const client = clientId(index);
  const url = urls[index % urls.length]!;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?clientId=${client}`, { perMessageDeflate: false });
  socket.on('message', (data: Buffer, isBinary: boolean) => hear(client, data, isBinary));
  await once(socket, 'open');
  socket.on('error', (error) => fail(error.message));
  // Pages take previews with metadata, scripts take them without.
  if (index % 2 === 0) socket.send('{"type": "feature_flags", "data": {"supports_preview_metadata": true}}');
  return socket;
}

/** A prompt of a client of `urls[at]`. */
async function submit(client: string, at: number, { seed, text }: { seed: number; text: number }): Promise<void> {
  const prompt_id = `${client}-${seed}`;
  if (client !== loudId) underWay.set(prompt_id, { client, succeededAt: Number.NaN });
  const prompt = previewGraph({ seed, steps, bytes, text });
  const body = JSON.stringify({ prompt, client_id: client, prompt_id });
  const pool = pools[at]!;
  const answer = await pool.request({ method: 'POST', path: '/prompt', body, headers: { 'content-type': 'application/json' } });
  const said = await answer.body.text();
  if (answer.statusCode === 200) return;
  underWay.delete(prompt_id);
  fail(`POST /prompt: status ${answer.statusCode} ${said.slice(0, 300)}`);
}

/** Calls it at a fixed rate, whatever the answers do. */
async function atRate(perSecond: number, one: (index: number) => Promise<void>): Promise<void> {
  const begun = stamp();
  for (let index = 0; index < perSecond * spec.seconds; index++) {
    await pause(Math.max(0, begun + (index * 1_000) / perSecond - stamp()));
    one(index).catch((error: unknown) => fail(String(error)));
  }
}

/** The loud client's prompts; the seconds until it was cut off, if it was. */
async function beLoud({ reads, perSecond, textBytes }: NonNullable<SocketLoadSpec['loud']>): Promise<number | null> {
  const ended = reads ? readLoud() : openUnread(urls[0]!, loudId);
  const begun = stamp();
  await atRate(perSecond, (index) => submit(loudId, 0, { seed: index, text: textBytes }));
  const at = await Promise.race([ended, pause(reads ? 0 : patienceMs)]);
  return typeof at === 'number' ? (at - begun) / 1_000 : null;
}

function readLoud(): Promise<number> {
  const socket = new WebSocket(`${urls[0]!.replace('http', 'ws')}/ws?clientId=${loudId}`, { perMessageDeflate: false });
  socket.on('message', () => undefined);
  return once(socket, 'close').then(stamp);
}

const sockets: WebSocket[] = [];
while (sockets.length < spec.clients) {
  const some = Math.min(openAtOnce, spec.clients - sockets.length);
  sockets.push(...(await Promise.all(Array.from({ length: some }, (_, n) => open(sockets.length + n)))));
}
const load = atRate(spec.perSecond, (index) => {
  prompts++;
  const client = index % spec.clients;
  return submit(clientId(client), client % urls.length, { seed: index, text: 0 });
});
const [cutOffSeconds] = await Promise.all([loud && beLoud(loud), load]);
const deadline = stamp() + patienceMs;
while (underWay.size > 0 && stamp() < deadline) await pause(20);
const isOpen = ({ readyState }: WebSocket): boolean => readyState === WebSocket.OPEN;
const result: SocketLoadResult = {
  ...delays,
  prompts,
  unended: underWay.size,
  failures,
  open: sockets.filter(isOpen).length,
  cutOffSeconds,
};
process.stdout.write(JSON.stringify(result), () => process.exit(0));
