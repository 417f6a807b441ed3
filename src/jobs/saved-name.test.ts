import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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
