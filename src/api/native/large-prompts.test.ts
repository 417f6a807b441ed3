import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiWorld, type ApiWorld } from '../../../test/support/api.ts';
import { defaultLimits } from '../context.ts';

const limits = { bodyBytes: 1_000, promptBytes: 30_000, promptsBytes: 50_000 };

let world: ApiWorld;
beforeEach(async () => void (world = await createApiWorld({ limits, config: { openGraphs: true } })));
afterEach(() => world.app.close());

const promptOf = (picture: string, id = 'p'): string =>
  JSON.stringify({ prompt_id: id, prompt: { 1: { class_type: 'SaveImage', inputs: { picture } } } });

async function post(payload: string, { url = '/prompt', headers = {} }: { url?: string; headers?: Record<string, string> } = {}) {
  const answer = await world.app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json', ...headers } });
  return { status: answer.statusCode, type: answer.json().error?.type as unknown, message: answer.json().error?.message as unknown };
}

const long = 'A'.repeat(20_000);

describe('a prompt that is longer than other bodies may be', () => {
  test('is taken at each place, up to its limit, which the refusal names', async () => {
    for (const [number, url] of ['/prompt', '/api/prompt', '/d/collage/prompt'].entries()) {
      expect(await post(promptOf(long, String(number)), { url })).toMatchObject({ status: 200 });
      const found = (await world.context.store.jobs({ limit: 1 })).items[0]!;
      await world.finish(found.id);
    }
    const tooLong = { status: 413, type: 'body_too_large', message: 'The body has more than 30000 bytes' };
    expect(await post(promptOf('A'.repeat(30_000)))).toEqual(tooLong);
    expect(await post(JSON.stringify({ delete: [long] }), { url: '/history' })).toMatchObject({ status: 413 });
    expect(defaultLimits.promptBytes).toBe(32 * 1024 * 1024);
  });

  test('has a limit together with others until it has ended; small ones come all the same', async () => {
    expect(await post(promptOf(long, 'a'))).toMatchObject({ status: 200 });
    const { id } = (await world.context.store.jobs({ limit: 1 })).items[0]!;
    expect(await post(promptOf(long, 'b'))).toMatchObject({ status: 200 });
    const refused = await world.app.inject({ method: 'POST', url: '/prompt', payload: promptOf(long, 'c') });
    expect(refused).toMatchObject({ statusCode: 429, headers: { 'retry-after': expect.any(String) as string } });
    expect(refused.json()).toMatchObject({ error: { type: 'too_many_requests' }, node_errors: {} });
    expect(await post(promptOf('small'))).toMatchObject({ status: 200 });
    await world.finish(id);
    expect(await post(promptOf(long, 'c'))).toMatchObject({ status: 200 });
  });

  test('that was refused leaves its room to others', async () => {
    for (let round = 0; round < 5; round++) {
      expect((await world.app.inject({ method: 'POST', url: '/prompt', payload: `{"prompt": ["${long}"` })).statusCode).toBe(500);
    }
    expect(await post(promptOf(long))).toMatchObject({ status: 200 });
  });

  test('is long by its texts, not by millions of values', async () => {
    await world.app.close();
    world = await createApiWorld({ limits: { ...limits, promptBytes: 3_000_000, promptsBytes: 9_000_000 }, config: { openGraphs: true } });
    const many = `{"prompt": {"1": {"class_type": "SaveImage", "inputs": {"list": [${'0,'.repeat(1_000_001)}0]}}}}`;
    expect(await post(many)).toMatchObject({ status: 413, type: 'body_too_large', message: expect.stringContaining('values') as string });
  });
});
