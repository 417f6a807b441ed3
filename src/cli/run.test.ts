import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { png } from '../../test/support/api.ts';
import { openCli, type CliWorld } from '../../test/support/cli.ts';
import { fleetTopic } from '../bus/events.ts';

let cli: CliWorld;

beforeEach(async () => {
  cli = await openCli();
});

afterEach(() => cli.close());

describe('run', () => {
  test('sends typed inputs, follows the job and saves its picture', async () => {
    cli.serve();
    const { code, out, err } = await cli.comfleet(['run', 'collage', 'prompt=12', 'steps=30', 'hd=true', 'style=oil']);
    expect(cli.world.bound).toEqual([{ prompt: '12', steps: 30, hd: true, style: 'oil' }]);
    expect(code).toBe(0);
    expect(readFileSync(path.join(cli.folder, out.trim()))).toEqual(png);
    expect(out).toMatch(/^collage-[0-9a-f]{8}\.png\n$/);
    expect(err).toMatch(/^job \S+ succeeded: queue 1\.0 s, run 3\.9 s, store 0\.1 s, 1 attempt\n$/);
  });

  test('a seed beyond 2^53 is sent with all its digits', async () => {
    cli.serve();
    expect((await cli.comfleet(['run', 'collage', 'prompt=x', 'seed=18446744073709551615'])).code).toBe(0);
    expect(cli.world.bound).toEqual([{ prompt: 'x', seed: '18446744073709551615' }]);
  });

  test('@file is uploaded and its asset sent; -o names the file', async () => {
    cli.serve();
    writeFileSync(path.join(cli.folder, 'photo.png'), png);
    const { code, out } = await cli.comfleet(['run', 'collage', 'prompt=@not-a-file', 'background=@photo.png', '-o', 'fox.png']);
    expect({ code, out }).toEqual({ code: 0, out: 'fox.png\n' });
    expect(cli.world.bound).toEqual([{ prompt: '@not-a-file', background: expect.stringMatching(/^blake3:/) as string }]);
    expect(readFileSync(path.join(cli.folder, 'fox.png'))).toEqual(png);
  });

  test('--count runs several at once, each with a file of its own; --json gives the jobs', async () => {
    cli.serve();
    const { items } = await cli.json('run', 'collage', 'prompt=x', '--count', '3', '-o', 'owl.png');
    expect(items.map((job) => [job['state'], job['files']])).toEqual(
      [1, 2, 3].map((number) => ['succeeded', [path.join(cli.folder, `owl-${number}.png`)]]),
    );
    expect(await cli.json('run', 'collage', 'prompt=x')).toMatchObject({ state: 'succeeded', deployment: 'collage' });
  });

  test('--priority goes with each job', async () => {
    cli.serve();
    const { items } = await cli.json('run', 'collage', 'prompt=x', '--count', '2', '--priority', '-5');
    expect(items.map((job) => job['priority'])).toEqual([-5, -5]);
  });

  test('text outputs are printed, without control characters', async () => {
    const text = {
      index: 0,
      node: '1',
      kind: 'text',
      mime: 'text/plain',
      filename: '',
      bytes: 3,
      asset: null,
      text: 'a\u001B[2Jb',
    } as const;
    cli.serve({ outputs: [text] });
    expect((await cli.comfleet(['run', 'collage', 'prompt=x'])).out).toBe('a[2Jb\n');
  });

  test('a failed job is exit code 1 and says what to do', async () => {
    cli.serve({ state: 'failed', outputs: [], error: { code: 'out_of_memory', message: 'KSampler needs 40 GB' } });
    const { code, out, err } = await cli.comfleet(['run', 'collage', 'prompt=x']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/failed: KSampler needs 40 GB\nnext {2}Use a smaller picture/);
  });

  test('goes on when the stream of events breaks', async () => {
    const running = cli.comfleet(['run', 'collage', 'prompt=x']);
    const id = await new Promise<string>((resolve) => {
      cli.world.context.bus.subscribe(fleetTopic, ({ data }) => resolve((data as { job: { id: string } }).job.id));
    });
    await cli.world.start(id);
    cli.world.app.server.closeAllConnections();
    await cli.world.finish(id);
    expect((await running).code).toBe(0);
  });

  test.each([
    [['run', 'collage', 'nonsense'], 2, '"nonsense" is not name=value; write e.g. comfleet run collage'],
    [['run', 'collage', '--count', '0'], 2, '--count must be a whole number'],
    [['run', 'collage', '--priority', '101'], 2, '--priority must be a whole number from -100 to 100'],
    [['run', 'collage', '--priority', 'high'], 2, '--priority must be a whole number from -100 to 100'],
    [['run', 'collage', 'background=@no.png'], 2, 'There is no file'],
    [['run', 'collage', 'colour=red'], 1, 'There is no input colour'],
    [['run', 'collage', 'prompt=x', '-o', 'no/x.png'], 2, 'There is no folder '],
    [['run', 'collage', 'prompt=x', '-o', '.'], 2, '-o names the file of the output'],
    [['run', 'nobody'], 1, 'There is no deployment nobody'],
    [['run'], 2, "missing required argument 'deployment'"],
  ])('%j ends with %d: %s', async (args, code, message) => {
    const ran = await cli.comfleet(args);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(message);
    expect(ran.out).toBe('');
    expect(cli.world.bound).toEqual([]);
  });
});

describe('deploy', () => {
  const graph = { 1: { class_type: 'KSampler', inputs: { text: '' } } };

  test('makes a deployment named after the file, and shows its inputs', async () => {
    writeFileSync(path.join(cli.folder, 'My Flow_v2.json'), JSON.stringify(graph));
    const { code, out, err } = await cli.comfleet(['deploy', 'My Flow_v2.json', '--set', 'max_containers=4', 'slo.latency=4s']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(cli.world.deployments.get('my-flow-v2').scaling).toMatchObject({ maxContainers: 4, slo: { latencyMs: 4_000 } });
    expect(out).toContain(`my-flow-v2 at ${cli.url}/d/my-flow-v2/`);
    expect(out).toMatch(/^prompt +string +yes +- +- +What to draw\.$/m);
    expect(out).toMatch(/^steps +integer +no +20 +1 to 100/m);
    expect(out).toMatch(/^background +image +no/m);
    expect(out).toContain('try comfleet run my-flow-v2 prompt="a regal phoenix"');
  });

  test('large numbers of the graph keep all their digits', async () => {
    writeFileSync(path.join(cli.folder, 'seeds.json'), '{"1":{"class_type":"KSampler","inputs":{"seed":18446744073709551615}}}');
    expect((await cli.comfleet(['deploy', 'seeds.json'])).code).toBe(0);
    const { workflow } = cli.world.deployments.revision(cli.world.deployments.get('seeds'));
    expect(workflow.graph['1']?.inputs).toEqual({ seed: '18446744073709551615' });
  });

  test.each<[string, string | Buffer | null, string]>([
    ['latin.json', Buffer.from([0x7b, 0xff, 0x7d]), 'latin.json is not UTF-8 text'],
    ['no.json', null, 'There is no file'],
    ['.', null, 'cannot be read'],
    ['broken.json', '{', 'broken.json is not JSON'],
    ['---.json', '{}', '---.json gives no name; write one with --name NAME'],
  ])('%s is refused before anything is sent', async (name, text, message) => {
    if (text !== null) writeFileSync(path.join(cli.folder, name), text);
    const { code, err } = await cli.comfleet(['deploy', './' + name]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
