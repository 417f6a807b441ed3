import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('V8 knows the setting: it would complain on standard error', async () => {
  const module = new URL('collector.ts', import.meta.url).href;
  const { stderr } = await promisify(execFile)(process.execPath, [
    '-e',
    `import(${JSON.stringify(module)}).then((it) => it.tuneCollector())`,
  ]);
  expect(stderr).toBe('');
});
