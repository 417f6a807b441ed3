import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonLines } from './lines.ts';
import { socketPathOf, startRequest } from './protocol.ts';

test('a socket is in its folder, or, where that path is too long, at a short one of its own', () => {
  expect(socketPathOf('/data')).toBe('/data/supervisor.sock');
  const far = `/data/${'x'.repeat(200)}`;
  expect(Buffer.byteLength(socketPathOf(far))).toBeLessThanOrEqual(103);
  expect(socketPathOf(far)).toBe(socketPathOf(far));
  expect(socketPathOf(far)).not.toBe(socketPathOf(`${far}y`));
  // The limit counts bytes, not letters.
  expect(socketPathOf(`/${'é'.repeat(60)}`)).not.toContain('é');
});

test('a container’s id can be no path', () => {
  const request = {
    epoch: 0,
    slot: { host: 'h', device: 'd', gpu: null, share: 1 },
    deployment: 'd',
    revision: 'r',
    launch: { kind: 'emulated', profile: 'instant' },
  };
  expect(startRequest.safeParse({ ...request, id: '0198c1a2-7d00-7abc-8def-0123456789ab' }).success).toBe(true);
  for (const id of ['', '..', 'a/b', 'a.b', 'x'.repeat(65)]) expect(startRequest.safeParse({ ...request, id }).success).toBe(false);
});

test('lines come out whole, however the stream is cut', async () => {
  const values = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 10 });
  const property = fc.asyncProperty(values, fc.integer({ min: 1, max: 7 }), async (texts, size) => {
    const bytes = Buffer.from(texts.map((text) => `${JSON.stringify(text)}\n`).join(''));
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
    const read: unknown[] = [];
    for await (const value of jsonLines(Readable.from(chunks, { objectMode: false }))) read.push(value);
    expect(read).toEqual(texts);
  });
  await fc.assert(property, { numRuns: 100 });
});

test('leaving the loop destroys the stream', async () => {
  const stream = Readable.from(['1\n', '2\n'], { objectMode: false });
  for await (const value of jsonLines(stream)) {
    expect(value).toBe(1);
    break;
  }
  expect(stream.destroyed).toBe(true);
});
