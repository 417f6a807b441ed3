import { createHmac } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Caller, type Json } from './caller.ts';
import { Program } from './program.ts';

/** A receiver on this machine is called when jobs end, in words that it can check. */

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

let program: Program;
let caller: Caller;
let receiver: Server;
let url: string;
const called = new EventEmitter();
const calls: Call[] = [];
let answers: number[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      calls.push({ headers: request.headers, body, at: performance.now() });
      response.writeHead(answers.shift() ?? 204).end();
      called.emit('call');
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?of=me`;
  program = await Program.up({ config: { network: { port: 0, allow_private: ['127.0.0.0/8'] } } });
  caller = new Caller(program);
});
afterAll(async () => {
  await program.remove();
  receiver.closeAllConnections();
  receiver.close();
});

/** The calls for a job, once there are so many. */
async function callsFor(job: string, number: number): Promise<Call[]> {
  for (;;) {
    const found = calls.filter(({ body }) => body.includes(job));
    if (found.length >= number) return found;
    await once(called, 'call');
  }
}

function isSigned({ headers, body }: Call, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

test('a webhook is delivered once, signed by Standard Webhooks, and can be replayed', async () => {
  const { secret } = await caller.get('/fleet/v1/webhook-secret');
  const id = await caller.submit({ prompt: 'tell me' }, { 'x-comfleet-webhook': url });
  const [call] = await callsFor(id, 1);
  expect(isSigned(call as Call, secret)).toBe(true);
  expect(Math.abs(Number(call?.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
  const message = JSON.parse(call?.body ?? '');
  expect(message.data).toMatchObject({ id, state: 'succeeded', outputs: [{ index: 0, url: `/fleet/v1/jobs/${id}/outputs/0` }] });

  const replayed = await caller.ask('POST', `/fleet/v1/jobs/${id}/webhook/replay`);
  expect(replayed.status).toBe(200);
  const both = await callsFor(id, 2);
  expect(both.map(({ headers }) => headers['webhook-id'])).toEqual([call?.headers['webhook-id'], call?.headers['webhook-id']]);
  expect(both.every((one) => isSigned(one, secret))).toBe(true);
});

test('a receiver that answers 500 is called again, with the same id', async () => {
  answers = [500];
  const id = await caller.submit({}, { 'x-comfleet-webhook': url });
  const [first, second] = await callsFor(id, 2);
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(4_900);
  const { items } = (await caller.get(`/fleet/v1/jobs/${id}/webhook`)) as { items: Json[] };
  expect(items[0]).toMatchObject({ url, tries: expect.any(Number) as number });
});

test('failed and canceled jobs are told too', async () => {
  const id = await caller.submit({ steps: 9000 }, { 'x-comfleet-webhook': url });
  await caller.works(id);
  await caller.ask('DELETE', `/fleet/v1/jobs/${id}`);
  const [call] = await callsFor(id, 1);
  expect(JSON.parse(call?.body ?? '').data).toMatchObject({ id, state: 'canceled' });
});
