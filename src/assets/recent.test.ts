import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

test('keeps the newest thousand files', () => {
  const recent = new Recent();
  for (let number = 0; number < 1_001; number++) recent.add(`file ${number}`, Buffer.from(`${number}`));
  expect(recent.get('file 0')).toBeUndefined();
  expect([recent.get('file 1'), recent.get('file 1000')].map(String)).toEqual(['1', '1000']);
});

test('keeps 8 MiB', () => {
  const recent = new Recent();
  for (let number = 0; number < 200; number++) recent.add(`file ${number}`, Buffer.alloc(64 * 1024, number));
  const kept = Array.from({ length: 200 }, (_, number) => recent.get(`file ${number}`)).filter((content) => content !== undefined);
  expect(kept).toHaveLength(128);
  expect(kept[0]?.[0]).toBe(72);
});

test('forgets what was removed, and what is put again counts once', () => {
  const recent = new Recent();
  const bytes = Buffer.alloc(1024 * 1024);
  for (let round = 0; round < 20; round++) recent.add('same', bytes);
  recent.add('other', bytes);
  expect(recent.get('same')).toBeDefined();
  recent.delete('same');
  expect([recent.get('same'), recent.get('other')?.length]).toEqual([undefined, bytes.length]);
});

test('does not keep the memory that small buffers share', () => {
  const recent = new Recent();
  recent.add('small', Buffer.from('a few bytes'));
  expect(recent.get('small')?.buffer.byteLength).toBe(11);
});
