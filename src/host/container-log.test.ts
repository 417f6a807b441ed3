import { appendFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../test/support/supervised.ts';
import type { LogLine } from '../runtimes/runtime.ts';
import { ContainerLog, readLogFile } from './container-log.ts';

const mebibyte = 1024 * 1024;
const lineOf = (text: string): LogLine => ({ at: 1, stream: 'stdout', text });

describe('ContainerLog', () => {
  let folder: TemporaryFolder;
  let file: string;
  let troubles: unknown[];
  let log: ContainerLog;
  beforeEach(() => {
    folder = temporaryFolder();
    file = join(folder.path, 'a.ndjson');
    troubles = [];
    log = new ContainerLog(file, (error) => troubles.push(error));
  });
  afterEach(async () => {
    await log.close();
    folder.remove();
  });

  const written = async (): Promise<string[]> => {
    const texts: string[] = [];
    for await (const line of readLogFile(file)) texts.push(line.text);
    return texts;
  };

  test('what was added before close is in the file when that has settled, and nothing later', async () => {
    for (let n = 0; n < 3; n++) log.add(lineOf(`line ${n}`));
    await log.close();
    log.add(lineOf('late'));
    await log.close();
    expect(await written()).toEqual(['line 0', 'line 1', 'line 2']);
    expect(troubles).toEqual([]);
  });

  test('the file is turned over at 5 MiB, one former file is kept, and reading goes over both', async () => {
    const lines = 1_200;
    // All at once: not even the files' opening has had its turn meanwhile.
    for (let n = 0; n < lines; n++) log.add(lineOf(`${n} ${'x'.repeat(10_000)}`));
    await log.close();
    for (const part of [file, `${file}.1`]) expect(statSync(part).size).toBeLessThan(5 * mebibyte + 20_000);
    expect(statSync(`${file}.1`).size).toBeGreaterThan(5 * mebibyte);
    const numbers = (await written()).map((text) => Number(text.split(' ')[0]));
    expect(numbers.at(-1)).toBe(lines - 1);
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
    expect(numbers.length).toBeGreaterThan(500);
  });

  test('only so many lines are kept in memory, the newest, and none that is endless', () => {
    for (let n = 0; n < 5_000; n++) log.add(lineOf(String(n)));
    log.add(lineOf('y'.repeat(100_000)));
    expect(log.recent()).toHaveLength(2_000);
    expect(log.recent()[0]).toEqual(lineOf('3001'));
    expect(log.recent().at(-1)!.text.length).toBeLessThan(17_000);
  });

  test('followers hear each line until they leave, and that it ends', async () => {
    const heard: string[] = [];
    const listener = (name: string) => ({
      line: ({ text }: LogLine) => heard.push(`${name} ${text}`),
      end: () => heard.push(`${name} ends`),
    });
    const leave = log.follow(listener('a'));
    log.follow(listener('b'));
    log.add(lineOf('1'));
    leave();
    log.add(lineOf('2'));
    await log.close();
    log.follow(listener('c'));
    expect(heard).toEqual(['a 1', 'b 1', 'b 2', 'b ends', 'c ends']);
  });

  test('a file that cannot be written costs the file, and is told once', async () => {
    mkdirSync(join(folder.path, 'blocked'));
    const blocked = new ContainerLog(join(folder.path, 'blocked'), (error) => troubles.push(error));
    for (let n = 0; n < 2_000; n++) blocked.add(lineOf('x'.repeat(10_000)));
    await blocked.close();
    expect(troubles).toHaveLength(1);
    expect(blocked.recent()).toHaveLength(2_000);
  });

  test('a line that a crash has cut off is left out; a log that was never written is empty', async () => {
    expect(await written()).toEqual([]);
    log.add(lineOf('whole'));
    await log.close();
    appendFileSync(file, '{"at":2,"stream":"std');
    expect(readFileSync(file, 'utf8')).toContain('std');
    expect(await written()).toEqual(['whole']);
    for await (const line of readLogFile(join(folder.path, 'nobody'))) expect(line).toBeUndefined();
  });
});
