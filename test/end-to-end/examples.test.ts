import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Caller, pixels, type Json } from './caller.ts';
import { Program } from './program.ts';

/** What ships with the package works as it is. */

const shipped = fileURLToPath(new URL('../../examples/comfleet.yaml', import.meta.url));

let program: Program;
let caller: Caller;

beforeAll(async () => {
  program = await Program.up({ flags: ['--config', shipped, '--port', '0', '--profile', 'instant'] });
  caller = new Caller(program);
});
afterAll(() => program.remove());

test('every deployment can run, and the collage answers POST /', () => {
  expect(program.ready.deployments).toEqual([
    { name: 'collage', default: true, problems: [] },
    { name: 'no-model', default: false, problems: [] },
    { name: 'text-to-image', default: false, problems: [] },
  ]);
});

test('the collage draws the prompt into its background', async () => {
  const answer = await caller.ask('POST', '/', { body: { prompt: 'a regal phoenix', seed: 1 } });
  expect(answer.status).toBe(200);
  expect(await sharp(answer.body).metadata()).toMatchObject({ format: 'png', width: 768, height: 512 });
  const other = await caller.ask('POST', '/', { body: { prompt: 'a heron', seed: 1 } });
  expect(await pixels(other.body)).not.toBe(await pixels(answer.body));
});

test('text-to-image draws in the size that is asked for', async () => {
  const answer = await caller.ask('POST', '/d/text-to-image/', { body: { width: 256, height: 128 } });
  expect(await sharp(answer.body).metadata()).toMatchObject({ format: 'png', width: 256, height: 128 });
});

test('the first model that a container loads is timed, once, after it was ready', async () => {
  await caller.ask('POST', '/d/text-to-image/', { body: { width: 64, height: 64 } });
  const { items } = await caller.get('/fleet/v1/containers');
  const container = (items as Json[]).find(({ deployment }) => deployment === 'text-to-image')!;
  const loads = (container.phases as Json[]).filter(({ phase }) => phase === 'models');
  expect(loads).toHaveLength(1);
  expect(loads[0]!.from >= container.ready_at).toBe(true);
  expect(Object.keys(loads[0]!.detail)).toEqual(['CheckpointLoaderSimple']);
  const { items: others } = await caller.get('/fleet/v1/containers?deployment=no-model');
  expect((others as Json[]).flatMap(({ phases }) => phases as Json[]).map(({ phase }) => phase)).not.toContain('models');
});

test('the one without a model answers with a picture and a text', async () => {
  const { json } = await caller.ask('POST', '/d/no-model/', { body: { prompt: 'hello' }, headers: { accept: 'application/json' } });
  expect((json.outputs as Json[]).map(({ kind, text }) => [kind, text])).toEqual([
    ['image', undefined],
    ['text', 'hello'],
  ]);
});

test('the line to try, which each deployment names, is right', async () => {
  const { deployments } = await caller.get('/');
  expect(deployments).toHaveLength(3);
  for (const { url, try: line } of deployments as Json[]) {
    expect(line).toContain(program.url);
    const body = / -d '(.*?)'/.exec(line as string)?.[1];
    expect((await caller.ask('POST', url as string, { body: JSON.parse(body ?? '') })).status).toBe(200);
  }
});
