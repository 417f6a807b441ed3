import { expect, test } from 'vitest';
import { readFlags } from './flags.ts';

test('without flags, what ComfyUI does by itself', () => {
  expect(readFlags([])).toEqual({
    cache: { kind: 'classic' },
    previews: false,
    previewSize: 512,
    maximumBody: 104_857_600,
    cors: null,
    metadata: true,
    customNodes: null,
  });
});

test('flags with one value, with several and with none, among such that change nothing', () => {
  const flags = '--cpu --cache-lru 20 --port 8188 --preview-method latent2rgb --enable-cors-header --disable-metadata';
  expect(readFlags(flags.split(' '))).toMatchObject({ cache: { kind: 'lru', size: 20 }, previews: true, cors: '*', metadata: false });
  expect(readFlags(['--enable-cors-header', 'http://a.example', '--cache-none'])).toMatchObject({
    cache: { kind: 'none' },
    cors: 'http://a.example',
  });
  const nodes = ['--disable-all-custom-nodes', '--whitelist-custom-nodes', 'a.py', 'b.py', '--max-upload-size=1'];
  expect(readFlags(nodes)).toMatchObject({ customNodes: ['a.py', 'b.py'], maximumBody: 2 ** 20 });
});
