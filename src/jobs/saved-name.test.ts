import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { viewedName } from '../api/native/file-names.ts';
import { savedName, type SavedFile } from './saved-name.ts';

const at = new Date(2026, 1, 3, 4, 5, 6).getTime();

const saved = (prefix: unknown, change: Partial<SavedFile> = {}): SavedFile => ({
  graph: { 9: { class_type: 'SaveImage', inputs: { filename_prefix: prefix as string } }, 5: { class_type: 'PreviewImage', inputs: {} } },
  node: '9',
  file: { filename: '0199_00001_.png', subfolder: '0199', type: 'output' },
  at,
  picture: { width: 640, height: 480 },
  ...change,
});

describe('the name that ComfyUI would have given', () => {
  test.each([
    ['ComfyUI', '', 'ComfyUI'],
    ['a/b/x', 'a/b', 'x'],
    [String.raw`a\x`, 'a', 'x'],
    ['a/', '', 'a'],
    ['', '', 'ComfyUI'],
    ['../../etc/x', 'etc', 'x'],
    ['/root/x', 'root', 'x'],
    ['%year%-%month%-%day%/%hour%%minute%%second%', '2026-02-03', '040506'],
    ['%width%x%height%_%batch_num%', '', '640x480_%batch_num%'],
    ['%date:yyyy%_%Node.widget%', '', '%date:yyyy%_%Node.widget%'],
    [['4', 0], '', 'ComfyUI'],
  ])('prefix %j', (prefix, subfolder, stem) => {
    expect(savedName(saved(prefix))).toEqual({ subfolder, stem, extension: '.png' });
  });

  test('without a prefix in the graph it is the container’s, without its number', () => {
    const file = { filename: 'ComfyUI_temp_abcde_00001_.png', subfolder: '', type: 'temp' as const };
    expect(savedName(saved(null, { node: '5', file }))).toEqual({ subfolder: '', stem: 'ComfyUI_temp_abcde', extension: '.png' });
    const inner = { node: '5.0.0.1', file: { ...file, filename: 'video', subfolder: 'x/y' } };
    expect(savedName(saved(null, inner))).toEqual({ subfolder: 'x/y', stem: 'video', extension: '' });
  });

  test('a size that is not known stays as it was written', () => {
    expect(savedName(saved('%width%', { picture: null })).stem).toBe('%width%');
  });

  test.each([
    ['no folder on a disk would take it', 'x'.repeat(300), '', 'x'.repeat(242)],
    ['characters are not cut in half', 'x'.repeat(239) + '\u{1F426}', '', 'x'.repeat(239)],
    ['control characters', 'a\nb\0/c\td\u007f', 'a_b_', 'c_d_'],
    ['half a character', 'a\ud800', '', 'a\ufffd'],
    ['what looks like a way out', 'a..b...', '', 'a.b.'],
    ['a long folder', `${'f'.repeat(300)}/x`, 'f'.repeat(255), 'x'],
    ['many folders', `${'folder/'.repeat(200)}x`, 'folder/'.repeat(143).slice(0, -1), 'x'],
  ])('what /view would refuse is changed: %s', (_what, prefix, subfolder, stem) => {
    expect(savedName(saved(prefix))).toEqual({ subfolder, stem, extension: '.png' });
  });

  test('a container’s own name is changed in the same way', () => {
    const file = { filename: `a\n${'b'.repeat(10)}.${'c'.repeat(240)}`, subfolder: 'd\0', type: 'output' as const };
    expect(savedName(saved(null, { node: '5', file }))).toEqual({
      subfolder: 'd_',
      stem: `a_${'b'.repeat(10)}.${'c'.repeat(233)}`,
      extension: '',
    });
  });

  test('whatever the prefix, /view takes the name', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.constantFrom('.', '..', '\0', '\n', '\ud800', '%', '[output]', 'ü'.repeat(130), 'x'.repeat(1_200)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.constantFrom('/', '', '\\'), fc.nat(9_999_999), (parts, separator, number) => {
        const { subfolder, stem, extension } = savedName(saved(parts.join(separator)));
        const filename = `${stem}_${String(number).padStart(5, '0')}_${extension}`;
        expect(viewedName({ filename, subfolder, type: 'output' })).toEqual({ type: 'output', subfolder, filename });
      }),
    );
  });

  test('no prefix leads out of the folder', () => {
    const parts = fc.array(fc.constantFrom('..', '.', '', 'a', 'b', '/', '\\', '%year%'), { maxLength: 8 });
    fc.assert(
      fc.property(parts, fc.constantFrom('/', '\\'), (list, separator) => {
        const { subfolder, stem } = savedName(saved(list.join(separator)));
        for (const part of [...subfolder.split('/'), stem]) expect(['.', '..']).not.toContain(part);
        expect(`${subfolder}${stem}`).not.toContain('\\');
        expect(subfolder.startsWith('/')).toBe(false);
        expect(stem).toMatch(/^[^/]+$/);
      }),
    );
  });
});
