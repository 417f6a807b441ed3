import { describe, expect, test } from 'vitest';
import { createStartLog, explainFailedStart } from './start-log.ts';

/** The phases that these lines tell, each line a second after the one before, the first at 10 s. */
function phasesOf(lines: readonly string[]): [string, number, Record<string, number>?][] {
  const phases: [string, number, Record<string, number>?][] = [];
  const read = createStartLog(0, {
    phase: (phase, { at, detail } = {}) => phases.push([phase, at! / 1000, ...(detail ? [detail] : [])] as never),
  });
  lines.forEach((line, index) => read(line, (10 + index) * 1000));
  return phases;
}

const start = [
  'Total VRAM 24000 MB, total RAM 64000 MB',
  'Prestartup times for custom nodes:',
  '   9.0 seconds: /comfy/custom_nodes/manager',
  '',
  'Import times for custom nodes:',
  '   0.5 seconds: /comfy/custom_nodes/websocket_image_save.py',
  '   1.5 seconds (IMPORT FAILED): C:\\comfy\\custom_nodes\\my pack',
  '',
  'Starting server',
  '',
  'To see the GUI go to: http://127.0.0.1:8400',
];

describe('createStartLog', () => {
  test('tells process, imports, custom nodes by what they took, and probe', () => {
    expect(phasesOf(start)).toEqual([
      ['process', 0],
      ['imports', 10],
      ['custom_nodes', 16, { 'websocket_image_save.py': 0.5, 'my pack': 1.5 }],
      ['probe', 20],
    ]);
  });

  test('a server without node packs has no such seconds', () => {
    expect(phasesOf(['Starting server', 'To see the GUI go to: http://127.0.0.1:8400'])).toEqual([
      ['process', 0],
      ['imports', 10],
      ['probe', 11],
    ]);
  });

  test('custom nodes never began before the imports, though packs may have been imported at the same time', () => {
    const phases = phasesOf(['Import times for custom nodes:', '  60.0 seconds: /a/pack', 'Starting server']);
    expect(phases.at(-1)).toEqual(['custom_nodes', 10, { pack: 60 }]);
  });

  test('seconds outside of the list are no times of packs', () => {
    expect(phasesOf(['Prompt executed in', '3.0 seconds: done']).map(([phase]) => phase)).toEqual(['process', 'imports']);
  });
});

describe('explainFailedStart', () => {
  test.each([
    ["ModuleNotFoundError: No module named 'torch'", /install PyTorch/],
    ["ModuleNotFoundError: No module named 'av.audio'", /no module av\.audio: run pip install -r requirements\.txt/],
    ['OSError: [Errno 98] Address already in use', /port was taken/],
    ['torch.cuda.OutOfMemoryError: CUDA out of memory.', /GPU has no memory left/],
    ['AssertionError: Torch not compiled with CUDA enabled', /PyTorch cannot use the GPU/],
    ['RuntimeError: No HIP GPUs are available', /PyTorch cannot use the GPU/],
  ])('%s', (tail, meaning) => {
    expect(explainFailedStart(`before\n${tail}`)).toMatch(meaning);
    expect(explainFailedStart(`before\n${tail}`)).toContain(`before\n${tail}`);
  });

  test('anything else speaks for itself; silence is said', () => {
    expect(explainFailedStart('Killed')).toBe('Killed');
    expect(explainFailedStart('')).toBe('it ended without a word');
  });
});
