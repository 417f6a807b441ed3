import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiWorld, listen, type ApiWorld } from '../../../test/support/api.ts';
import { ComfyClients, read, type ClientOptions, type ComfyClient } from '../../../test/support/comfy-client.ts';

let world: ApiWorld;
let port: number;
const clients = new ComfyClients();

beforeEach(async () => {
  world = await createApiWorld();
  port = await listen(world.app);
});
afterEach(async () => {
  clients.drop();
  await world.app.close();
});

const connect = (clientId: string, options?: ClientOptions): Promise<ComfyClient> => clients.connect(port, clientId, options);

describe('what clients send to a socket', () => {
  test('a message of 4 MiB is read, and a longer one is refused with a reason', async () => {
    const client = await connect('me');
    const features = { type: 'feature_flags', data: { supports_preview_metadata: true } };
    client.socket.send(JSON.stringify(features).padEnd(4 * 2 ** 20));
    await client.until(({ type }) => type === 'feature_flags');
    client.socket.send(Buffer.alloc(4 * 2 ** 20 + 1));
    expect((await once(client.socket, 'close'))[0]).toBe(1009);
    const broken = await connect('you');
    broken.socket.send(Buffer.from([0xff]), { binary: false });
    expect((await once(broken.socket, 'close'))[0]).toBe(1007);
  });

  test('messages that never end may take so much memory together, whoever sends them', async () => {
    const clients = await Promise.all(Array.from({ length: 24 }, (_, i) => connect(`c${i}`)));
    const codes: number[] = [];
    const refused = Promise.withResolvers<void>();
    for (const { socket } of clients)
      socket.on('close', (code) => {
        if (codes.push(code) === 8) refused.resolve();
      });
    const small = await connect('small');
    small.socket.send('begun', { fin: false });
    for (const { socket } of clients) socket.send(Buffer.alloc(4 * 2 ** 20 - 1), { fin: false });
    await refused.promise;
    expect(new Set(codes)).toEqual(new Set([1013]));
    for (const client of clients) client.drop();
    small.socket.send('and ended');
    await read(small);
    const next = await connect('next');
    next.socket.send(Buffer.alloc(4 * 2 ** 20));
    await read(next);
  });
});
