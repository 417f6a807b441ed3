import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseTrace } from '../planning/trace-file.ts';
import { openCli, type CliWorld } from '../../test/support/cli.ts';

let cli: CliWorld;
beforeEach(async () => {
  cli = await openCli();
});
afterEach(() => cli.close());

const simulated = ['simulate', '--policy', 'per-input', '--json', '--trace'];

test('writes what simulate reads', async () => {
  for (let n = 0; n < 3; n++) await cli.submit();
  await cli.world.clock.runFor(5_000);
  const written = await cli.comfleet(['trace', 'collage', '--output', 'day.csv']);
  expect(written).toEqual({ code: 0, out: '', err: '3 jobs in day.csv\nTheir time outside the GPU is not in it.\n' });
  expect(readdirSync(cli.folder)).toEqual(['day.csv']);
  const { jobs } = parseTrace(readFileSync(path.join(cli.folder, 'day.csv'), 'utf8'), 'day.csv');
  expect(jobs).toHaveLength(3);
  const run = await cli.comfleet([...simulated, 'day.csv']);
  expect(JSON.parse(run.out)).toMatchObject({ jobs: 3 });
  const lines = await cli.comfleet(['trace', 'collage', '--json']);
  expect(parseTrace(lines.out, 'day').jobs).toEqual(jobs);
});

test('says how to plan with what the trace does not hold', async () => {
  const learnt = { startMs: 15_540, leadMs: 104, afterMs: 407, loadMs: null };
  const other = await openCli({ learnt: () => learnt });
  await other.submit();
  await other.world.clock.runFor(5_000);
  const { err } = await other.comfleet(['trace', 'collage', '--output', 'day.csv']);
  expect(err).toContain('to count it: comfleet plan --trace day.csv --outside-seconds 0.51 --start-seconds 15.54\n');
  await other.close();
});

test('says what is wrong, and leaves no half of a file', async () => {
  await cli.submit();
  const missing = await cli.comfleet(['trace', 'none', '--output', 'day.csv']);
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('none') as string]);
  const nowhere = await cli.comfleet(['trace', 'collage', '--output', 'no-folder/day.csv']);
  expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringContaining('day.csv cannot be written') as string]);
  expect(readdirSync(cli.folder)).toEqual([]);
  expect((await cli.comfleet(['trace', 'collage', '--since', 'soon'])).err).toContain('since: must be a time like');
});
