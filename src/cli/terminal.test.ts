import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JobProgress } from './progress.ts';
import { bar, bytes, count, fit, money, palette, plain, seconds, StatusLine, table, widthOf } from './terminal.ts';

const none = palette({ write: () => true }, {});
const tty = { write: () => true, isTTY: true };

test('colours only on a terminal, without NO_COLOR, with a terminal that can', () => {
  expect(palette(tty, {}).red('x')).toBe('\u001B[31mx\u001B[39m');
  expect(palette(tty, { NO_COLOR: '1' }).red('x')).toBe('x');
  expect(palette(tty, { TERM: 'dumb' }).red('x')).toBe('x');
  expect(none.red('x')).toBe('x');
});

test('columns of a table are as wide as they must be, colours and all', () => {
  const paint = palette(tty, {});
  expect(
    table(
      ['a', 'long heading', 'c'],
      [
        [paint.green('green'), 'x', ''],
        ['y', 'two\nlines'],
      ],
      none,
    ),
  ).toBe(`a      long heading  c\n${paint.green('green')}  x             -\ny      two lines     -\n`);
});

test.each([
  [seconds(0.04), '0.0 s'],
  [seconds(59.6), '60 s'],
  [seconds(200), '3 m 20 s'],
  [seconds(7_500), '2 h 5 m'],
  [money(null), 'no price set'],
  [money(0.0367, ' per minute'), '$0.0367 per minute'],
  [money(12), '$12.00'],
  [money(0), '$0'],
  [bytes(830), '830 B'],
  [bytes(12_400), '12.4 kB'],
  [bytes(3_100_000), '3.1 MB'],
  [bytes(5e15), '5000.0 TB'],
  [count(1, 'job'), '1 job'],
  [count(0, 'job'), '0 jobs'],
  [bar(0.5, 4), '██░░'],
  [bar(7, 4), '████'],
  [bar(Number.NaN, 4), '░░░░'],
])('%s', (written, expected) => {
  expect(written).toBe(expected);
});

test('text of others cannot drive the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // oxlint-disable-next-line no-control-regex -- control characters are what this is about
      expect(plain(text)).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/);
    }),
  );
});

test('a fitted line is never wider than the screen', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 40 }), (text, columns) => {
      expect(widthOf(fit(text, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});

test('a status line is drawn over itself on a terminal, and nowhere else', () => {
  const screen = { text: '', isTTY: true, columns: 6, write: (text: string) => void (screen.text += text) };
  const status = new StatusLine(screen, true);
  status.show('one two');
  status.show('one two');
  status.clear();
  status.clear();
  expect(screen.text).toBe('\r\u001B[2Kone t\r\u001B[2K');
  const unknown = { text: '', isTTY: true, columns: 0, write: (text: string) => void (unknown.text += text) };
  new StatusLine(unknown, true).show('one two');
  expect(unknown.text).toBe('\r\u001B[2Kone two');
  const file = { text: '', write: (text: string) => void (file.text += text) };
  new StatusLine(file, true).show('one');
  new StatusLine(screen, false).show('three');
  expect(file.text + screen.text).not.toMatch(/one$|three/);
});

test('the line of a job tells queue, cold start and run apart', async () => {
  let reason: string | null = 'a place in a container';
  const progress = new JobProgress(0, async () => reason);
  const event = (type: string, data: unknown = {}) => progress.take({ id: null, type, data }, 5_000);
  const look = async (now: number) => {
    progress.lookWhyItWaits(now);
    await Promise.resolve();
    await Promise.resolve();
    return progress.line(now);
  };
  expect(await look(2_000)).toBe(`queue  ${bar(0, 24)} 2.0 s  a place in a container`);
  reason = '1 starting container (imports)';
  expect(await look(2_500)).toContain('a place in a container');
  expect(await look(3_000)).toBe(`cold   ${bar(0, 24)} 3.0 s  1 starting container (imports)`);
  event('started');
  event('executing', { node: '3', class_type: 'KSampler' });
  event('progress', { node: '3', value: 5, max: 20 });
  expect(progress.line(7_000)).toBe(`run    ${bar(0.25, 24)} 2.0 s  KSampler`);
  event('requeued');
  expect(progress.line(5_000)).toMatch(/^(queue|cold) /);
  expect(progress.ended).toBeNull();
  event('succeeded');
  expect(progress.ended).toBe('succeeded');
});

test('phases of a finished job leave out what took no time', () => {
  expect(JobProgress.phases({ queue_ms: 10, cold_ms: 15_600, run_ms: 4_400, store_ms: 3 })).toBe('cold 16 s, run 4.4 s');
});
