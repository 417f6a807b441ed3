import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../test/support/virtual-clock.ts';
import { createApiWorld, png, type ApiWorld } from '../../test/support/api.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld();
});
afterEach(() => world.app.close());

const headers = { 'idempotency-key': 'k', prefer: 'respond-async' };
const post = (payload: object | Buffer, more: Record<string, string> = {}, url = '/') =>
  world.app.inject({ method: 'POST', url, payload, headers: { ...headers, ...more } });
const idOf = async (answer: ReturnType<typeof post>): Promise<string> => (await answer).json().id;

describe('a request that is repeated with its Idempotency-Key', () => {
  test('is answered with the job, and its inputs are not bound again', async () => {
    const id = await idOf(post({ prompt: 'x', background: 'https://example.com/a.png' }));
    expect(world.bound).toHaveLength(1);
    const again = await post({ background: 'https://example.com/a.png', prompt: 'x' });
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json().id).toBe(id);
    expect(world.bound).toHaveLength(1);
  });

  test('waits for the same job, and its answer comes again later', async () => {
    const wait = { prefer: 'wait=60' };
    const first = post({ prompt: 'x', steps: 3 }, wait);
    await settle();
    const second = post({ steps: 3, prompt: 'x' }, wait);
    await settle();
    const { id } = (await world.context.store.jobs({ limit: 1 })).items[0]!;
    await world.finish(id);
    const answers = [await first, await second, await post({ prompt: 'x', steps: 3 }, wait)];
    expect(answers.map(({ headers: { 'x-comfleet-job-id': job } }) => job)).toEqual([id, id, id]);
    expect(answers.map(({ rawPayload }) => rawPayload)).toEqual([png, png, png]);
    expect(answers.map(({ headers: { 'idempotency-replayed': replayed } }) => replayed)).toEqual([undefined, 'true', 'true']);
  });

  test('with another body it is refused before anything is bound', async () => {
    await post({ prompt: 'x', background: 'https://example.com/a.png' });
    const other = await post({ prompt: 'x', background: 'https://example.com/b.png' });
    expect(other.json()).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
    expect(world.bound).toHaveLength(1);
    expect(world.rejected).toEqual(['idempotency_mismatch']);
  });

  test('is the same as a form, and for large seeds', async () => {
    const id = await idOf(post(Buffer.from('{"prompt":"x","seed":18446744073709551615}'), { 'content-type': 'application/json' }));
    const form = Buffer.from('prompt=x&seed=18446744073709551615');
    expect(await idOf(post(form, { 'content-type': 'application/x-www-form-urlencoded' }))).toBe(id);
    const other = Buffer.from('prompt=x&seed=18446744073709551614');
    expect((await post(other, { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(422);
  });

  test('uploads are the same when their bytes are', async () => {
    const form = (bytes: Buffer, filename: string) =>
      Buffer.concat([
        Buffer.from(`--b\r\nContent-Disposition: form-data; name="background"; filename="${filename}"\r\n\r\n`),
        bytes,
        Buffer.from('\r\n--b--\r\n'),
      ]);
    const multipart = { 'content-type': 'multipart/form-data; boundary=b' };
    const id = await idOf(post(form(png, 'a.png'), multipart));
    expect(await idOf(post(form(png, 'other.png'), multipart))).toBe(id);
    expect((await post(form(Buffer.concat([png, png]), 'a.png'), multipart)).json()).toMatchObject({ code: 'idempotency_mismatch' });
    expect(world.bound).toHaveLength(1);
  });

  test('is the same through both dialects, and another for another deployment', async () => {
    const id = await idOf(post({ prompt: 'x' }));
    expect(await idOf(post({ inputs: { prompt: 'x' } }, {}, '/fleet/v1/jobs'))).toBe(id);
    expect(await idOf(post({ prompt: 'x' }, {}, '/d/portrait/'))).not.toBe(id);
  });

  test('two that come at the same time make one job', async () => {
    const [one, two] = await Promise.all([idOf(post({ prompt: 'x' })), idOf(post({ prompt: 'x' }))]);
    expect(one).toBe(two);
    expect((await world.context.store.jobs({ limit: 9 })).items).toHaveLength(1);
  });

  test('a body nested so deep that it cannot be compared is the caller’s mistake', async () => {
    const deep = (inner: string) => Buffer.from(`{"prompt":${'['.repeat(100_000)}${inner}${']'.repeat(100_000)}}`);
    for (const body of [deep('1'), deep('18446744073709551615')]) {
      expect((await post(body, { 'content-type': 'application/json' })).json()).toMatchObject({ status: 400, code: 'invalid_body' });
    }
  });
});

describe('a deployment that lacked a model', () => {
  const lacking = [{ code: 'missing_file' as const, node: '4', message: 'ckpt_name names x.ckpt, which no container has.' }];
  let learnNow: () => Promise<boolean>;
  const become = (problems: typeof lacking): void => {
    world.deployments.items[0] = { ...world.deployments.items[0]!, problems };
  };
  beforeEach(async () => {
    await world.app.close();
    world = await createApiWorld({ change: () => ({ learnNow: () => learnNow() }) });
    become(lacking);
  });

  test('is refused while containers say so', async () => {
    learnNow = async () => true;
    expect((await post({ prompt: 'x' })).json()).toMatchObject({ code: 'missing_file' });
  });

  test('takes jobs once a container has it', async () => {
    learnNow = async () => (become([]), true);
    expect((await post({ prompt: 'x' })).statusCode).toBe(202);
  });

  test('takes jobs while no container can be asked: the one that starts will tell', async () => {
    learnNow = async () => false;
    expect((await post({ prompt: 'x' })).statusCode).toBe(202);
  });
});
