import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmulatedWorld, save, simple, textToImage } from '../../test/protocol/emulated-world.ts';
import type { TestGraph } from '../../test/protocol/emulated-world.ts';
import type { Json } from '../comfyui/protocol.ts';

/** What nobody should send, and somebody does: it is answered with a reason, and nobody else notices. */

let world: EmulatedWorld;
beforeEach(() => {
  world = new EmulatedWorld();
});
afterEach(() => world.close());

const invert = (from: string): TestGraph[string] => ({ class_type: 'ImageInvert', inputs: { image: [from, 0] } });

/** One picture, inverted so many times. */
function chain(length: number): TestGraph {
  const graph = simple();
  for (let i = 3; i < length + 1; i++) graph[i] = invert(i === 3 ? '1' : String(i - 1));
  graph['2'] = save(String(length));
  return graph;
}

/** Many pairs of a picture and its file. */
const wide = (pairs: number): TestGraph =>
  Object.fromEntries(
    Array.from({ length: pairs }, (_, i) => i).flatMap((i) => [
      [`i${i}`, { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: i } }],
      [`p${i}`, { class_type: 'PreviewAny', inputs: { source: [`i${i}`, 0] } }],
    ]),
  ) as TestGraph;

async function refusal(prompt: TestGraph): Promise<{ error: { type: string; message: string }; node_errors: object }> {
  const answer = await world.post('/prompt', { prompt });
  expect(answer.status).toBe(400);
  return (await answer.json()) as { error: { type: string; message: string }; node_errors: object };
}

test('more than 10,000 nodes', async () => {
  await world.start();
  const { error } = await refusal(chain(10_001));
  expect(error).toMatchObject({
    type: 'prompt_too_large',
    message: 'Cannot execute because the prompt has 10001 nodes: an emulated container takes 10000.',
  });
});

test('a chain of as many nodes as a prompt may have runs', async () => {
  await world.start();
  const { status } = await world.run(chain(10_000));
  expect(status.messages.at(-1)).toMatchObject(['execution_success', {}]);
});

test('a circle is refused by its nodes', async () => {
  await world.start();
  const graph = { ...chain(5), 3: invert('5') };
  expect(await refusal(graph)).toMatchObject({
    error: { type: 'prompt_outputs_failed_validation', details: expect.stringContaining('5 <- 4 <- 3 <- 5') as string },
    node_errors: { 5: { dependent_outputs: ['2'] } },
  });
});

test.each([
  ['NaN', '{"prompt": {"1": {"class_type": "PreviewAny", "inputs": {"source": NaN}}}}', 'NaN is no number of JSON'],
  ['a key of prototypes', '{"prompt": {"__proto__": {"class_type": "PreviewAny", "inputs": {"source": "a"}}}}', 'The key "__proto__"'],
])('%s is refused with a reason, as the gateway does', async (_, body, message) => {
  await world.start();
  const answer = await fetch(`${world.url}/prompt`, { method: 'POST', body });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    error: { type: 'invalid_body', message: expect.stringContaining(message) as string },
    node_errors: {},
  });
});

test('strings of digits have limits too', async () => {
  await world.start();
  const wide = { class_type: 'EmptyImage', inputs: { width: '99999999999999999999', height: 8, batch_size: 1, color: 1 } };
  expect(await refusal({ ...simple(), 1: wide })).toMatchObject({ node_errors: { 1: { errors: [{ type: 'value_bigger_than_max' }] } } });
});

test('a link to a slot that is not there', async () => {
  await world.start();
  const graph = { ...simple(), 2: { ...save('1'), inputs: { images: ['1', 7], filename_prefix: 'x' } } };
  const { node_errors } = await refusal(graph);
  expect(JSON.stringify(node_errors)).toContain('tuple index out of range');
});

test('a prompt of thousands of nodes gives others their turn again and again', async () => {
  const server = await world.start();
  let turns = 0;
  let next: NodeJS.Immediate | undefined;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  server.log(({ text }) => (text === 'got prompt' ? count() : clearImmediate(next)));
  const { status } = await world.run(wide(1_000));
  expect(status.status_str).toBe('success');
  expect(turns).toBeGreaterThan(200);
});

test('pictures that no memory holds fail, and the container goes on', async () => {
  await world.start();
  const huge = { class_type: 'EmptyImage', inputs: { width: 16_384, height: 16_384, batch_size: 4096, color: 1 } };
  const { status } = await world.run({ ...simple(), 1: huge });
  expect(status.messages.at(-1)).toMatchObject(['execution_error', { node_type: 'EmptyImage' }]);
  expect(JSON.stringify(status.messages.at(-1))).toContain('not enough memory');
  expect((await world.run(simple())).status.status_str).toBe('success');
});

const savedAs = (prefix: string): TestGraph => ({
  ...simple(),
  2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
});

test.each([
  ['a long name', 'n'.repeat(300), 'OSError', /^\[Errno 36\] File name too long: '.*\/output\/n{300}_00001_\.png'\n$/],
  ['a long folder', `${'f'.repeat(300)}/x`, 'OSError', /^\[Errno 36\] File name too long: '.*\/output\/f{300}'\n$/],
  ['a NUL in the name', 'a\0b', 'ValueError', /^embedded null byte\n$/],
  ['a NUL in the folder', 'a\0b/x', 'ValueError', /^embedded null byte\n$/],
  ['a file as a folder', 'x_00001_.png/x', 'NotADirectoryError', /^\[Errno 20\] Not a directory: '.*\/output\/x_00001_\.png'\n$/],
])('%s is refused in Python’s words', async (_what, prefix, type, message) => {
  await world.start();
  await world.run(simple());
  const { status } = await world.run(savedAs(prefix));
  expect(status.messages.at(-1)).toMatchObject(['execution_error', { exception_type: type }]);
  expect(status.messages.at(-1)![1]['exception_message']).toMatch(message);
});

test.each([
  ['a long name', `${'n'.repeat(300)}.png`],
  ['a NUL', 'a\0b.png'],
])('a file that no disk can have is not there: %s', async (_what, image) => {
  await world.start();
  const graph = { 1: { class_type: 'LoadImage', inputs: { image } }, 2: save('1') };
  expect(JSON.stringify(await refusal(graph))).toContain('Invalid image file');
  expect((await fetch(`${world.url}/view?filename=${encodeURIComponent(image)}`)).status).toBe(404);
});

test.each<[string, Json, string]>([
  ['model', null, "'NoneType' object has no attribute 'model'"],
  ['positive', true, "'bool' object has no attribute 'copy'"],
  ['negative', {}, "'dict' object has no attribute 'copy'"],
  ['latent_image', null, "'NoneType' object is not subscriptable"],
])('a sampler whose %s is %j fails when it runs, in Python’s words', async (field, value, message) => {
  await world.start();
  const graph = textToImage();
  graph['3']!.inputs[field] = value;
  const { status } = await world.run(graph);
  expect(status.messages.at(-1)).toMatchObject(['execution_error', { exception_message: `${message}\n` }]);
});
