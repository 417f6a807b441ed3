import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aContainer } from '../../test/support/api.ts';
import { openCli, screenOf, type CliWorld } from '../../test/support/cli.ts';
import { fleetTopic } from '../bus/events.ts';
import type { Machine } from './machine.ts';

let cli: CliWorld;

beforeEach(async () => {
  cli = await openCli();
});

afterEach(() => cli.close());

describe('scale', () => {
  test('changes settings and shows what changed', async () => {
    const { code, out, err } = await cli.comfleet([
      'scale',
      'collage',
      'keep_warm=2',
      'slo.latency=4s',
      'budget.usd_per_hour=3',
      'scaledown_window=5m',
    ]);
    expect(code).toBe(0);
    expect(err).toBe('used min_containers for keep_warm\n');
    expect(out.trim().split('\n')).toEqual([
      'setting              before  now',
      'min_containers       0       2',
      'scaledown_window     60s     5m',
      'slo.latency          6s      4s',
      'budget.usd_per_hour  none    3',
    ]);
    expect(cli.world.deployments.get('collage').scaling).toMatchObject({ minContainers: 2, slo: { p: 0.95, latencyMs: 4_000 } });
    expect((await cli.comfleet(['scale', 'collage', 'max_inputs=1'])).out).toBe('nothing changed\n');
  });

  test("the policy's own settings by their names alone, also those of a new policy", async () => {
    await cli.comfleet(['scale', 'collage', 'policy=concurrency', 'target_utilization=0.9', 'max_inputs=2']);
    expect(cli.world.deployments.get('collage').scaling).toMatchObject({ policy: 'concurrency', maxInputs: 2 });
    expect(cli.world.deployments.get('collage').scaling.policySettings).toMatchObject({ target_utilization: 0.9 });
    await cli.comfleet(['scale', 'collage', 'stable_window=30s', 'policy_settings.target_utilization=0.8']);
    const { policySettings } = cli.world.deployments.get('collage').scaling;
    expect(policySettings).toMatchObject({ target_utilization: 0.8, stable_window: 30_000 });
    expect((await cli.comfleet(['scale', 'collage', 'polling_interval=30s'])).err).toContain('polling_interval');
  });

  test('shows them', async () => {
    expect((await cli.comfleet(['scale', 'collage'])).out).toMatch(/^max_containers +none$/m);
    expect(await cli.json('scale', 'collage')).toMatchObject({ min_containers: 0, scaledown_window: '60s' });
  });

  test.each([
    [['min_containers=two'], 1, 'min_containers: must be a whole number from 0 to 10000, got "two"'],
    [['a.b.c=1'], 2, 'a.b.c is no setting'],
    [['min_containers'], 2, '"min_containers" is not name=value'],
  ])('%j is refused', async (settings, code, message) => {
    const ran = await cli.comfleet(['scale', 'collage', ...settings]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(message);
  });
});

describe('jobs', () => {
  test('lists, shows and cancels them', async () => {
    expect((await cli.comfleet(['jobs'])).out).toBe('no jobs\n');
    const id = await cli.submit();
    const other = await cli.submit();
    await cli.world.finish(other);
    const list = (await cli.comfleet(['jobs'])).out;
    expect(list).toMatch(new RegExp(`^${id} +collage +queued .*a container that starts$`, 'm'));
    expect((await cli.json('jobs', '--state', 'succeeded')).items).toHaveLength(1);
    const first = (await cli.comfleet(['jobs', '--limit', '1'])).out;
    const [, cursor = ''] = /^more: comfleet jobs --cursor (.+)$/m.exec(first) ?? [];
    const second = (await cli.comfleet(['jobs', '--limit', '1', '--cursor', cursor])).out;
    expect([first.includes(other), first.includes(id), second.includes(other), second.includes(id)]).toEqual([true, false, false, true]);
    expect((await cli.comfleet(['jobs', '--limit', 'many'])).err).toContain('--limit must be a whole number from 1, not many');

    expect((await cli.comfleet(['jobs', id])).out).toMatch(/^waits for +a container that starts$/m);
    const shown = (await cli.comfleet(['jobs', other])).out;
    expect(shown).toMatch(/^time +queue 1\.0 s, run 3\.9 s/m);
    expect(shown).toMatch(/^cost +\$0\.0010 \(4\.0 s of a container\)$/m);
    expect(shown).toMatch(/^output 0 +out\.png/m);

    expect(await cli.comfleet(['jobs', '--cancel', id])).toEqual({ code: 0, out: `${id} is canceled\n`, err: '' });
    const refused = await cli.comfleet(['jobs', '--cancel', other]);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('next');
  });

  test('an unknown one is exit code 1, with the next step; as JSON with --json', async () => {
    const { code, out, err } = await cli.comfleet(['jobs', 'nobody']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^error .*nobody.*\nnext {2}List jobs/);
    const ran = await cli.comfleet(['jobs', 'nobody', '--json']);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toMatchObject({ error: { code: 'unknown_job', status: 404 } });
  });

  test('a state that is none is refused by the gateway', async () => {
    expect((await cli.comfleet(['jobs', '--state', 'lost'])).code).toBe(1);
  });
});

describe('containers and logs', () => {
  beforeEach(() => {
    cli.world.containers.push(
      aContainer({ gpu: 'A10G' }),
      aContainer({ id: 'container-2', state: 'starting', phases: [{ phase: 'imports', from: 0, to: null }] }),
    );
  });

  test('lists them with their states', async () => {
    const { out } = await cli.comfleet(['containers']);
    expect(out).toMatch(/^container-1 +collage +ready/m);
    expect(out).toMatch(/^container-2 +collage +starting: imports/m);
    expect((await cli.json('containers', '--deployment', 'portrait')).items).toEqual([]);
  });

  test('lists those that ended with --all, over pages', async () => {
    const ended = { state: 'stopped', stoppedAt: 1 } as const;
    for (let n = 0; n < 1_100; n++) await cli.world.context.store.saveContainer(aContainer({ id: `old-${n}`, startedAt: n, ...ended }));
    expect((await cli.json('containers')).items).toHaveLength(2);
    expect((await cli.json('containers', '--all', '--limit', '2000')).items).toHaveLength(1_102);
    const { items, next } = await cli.json('containers', '--all', '--limit', '3');
    expect(items.map(({ id }) => id)).toEqual(['container-2', 'container-1', 'old-1099']);
    const { out } = await cli.comfleet(['containers', '--all', '--cursor', String(next), '--limit', '2']);
    expect(out).toMatch(/^old-1098 [^]*^old-1097 [^]*^more: comfleet containers --all --cursor \S+$/m);
  });

  test('a failure that ends with the tail of a log takes one short cell', async () => {
    const message = `it was killed by SIGKILL 0%| | 0/2\r${'[00:00<?, ?it/s] '.repeat(30)}\nsend error`;
    cli.world.containers.push(aContainer({ id: 'container-3', state: 'failed', failure: { code: 'container_lost', message } }));
    const { out } = await cli.comfleet(['containers', '--all']);
    expect(out).toMatch(/^container-3 +collage +failed: it was killed by SIGKILL 0%.{1,45}… {2}/m);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThan(160);
    expect((await cli.json('containers', '--all')).items).toContainEqual(
      expect.objectContaining({ failure: { code: 'container_lost', message } }),
    );
  });

  test('stops one, at once with --force', async () => {
    expect((await cli.comfleet(['containers', '--stop', 'container-1'])).out).toContain('stops when its jobs are done');
    expect((await cli.comfleet(['containers', '--stop', 'container-2', '--force'])).out).toContain('was stopped');
    expect(cli.world.stopped.map(({ id, force }) => [id, force])).toEqual([
      ['container-1', false],
      ['container-2', true],
    ]);
    expect((await cli.comfleet(['containers', '--stop', 'nobody'])).code).toBe(1);
    expect(await cli.comfleet(['containers', '--force'])).toMatchObject({ code: 2, err: expect.stringContaining('--stop') });
  });

  test('shows the log of a container, and of the container of a job', async () => {
    const { out } = await cli.comfleet(['logs', 'container-1', '-f']);
    expect(out).toMatch(/ stdout Starting server\n.* stderr <b>warning<\/b>\n$/);
    const id = await cli.submit();
    const waiting = await cli.comfleet(['logs', id]);
    expect(waiting.code).toBe(1);
    expect(waiting.err).toContain('had no container yet; it waits for a container that starts');
    await cli.world.finish(id);
    expect((await cli.comfleet(['logs', id])).out).toBe(out);
    expect(JSON.parse((await cli.comfleet(['logs', 'container-1', '--json'])).out.split('\n')[0] ?? '')).toMatchObject({
      text: 'Starting server',
    });
    expect((await cli.comfleet(['logs', 'nobody'])).err).toContain('There is no container and no job nobody');
  });

  test('top shows verdict, queue, cost, deployments and containers once where nobody looks on', async () => {
    const { code, out } = await cli.comfleet(['top']);
    expect(code).toBe(0);
    expect(out).toContain('● Jobs wait: max_containers is reached.');
    expect(out).toMatch(/^queue +3 jobs, the oldest for 5\.0 s, p95 6\.1 s$/m);
    expect(out).toMatch(/^cost +\$0\.0367 per minute \(emulated\)$/m);
    expect(out).toMatch(/^collage \* +serving +3 +2 +6\.1 s +87\.5 % +no price set +max_containers$/m);
    expect(out).toMatch(/^container-2 +collage +starting: imports/m);
    expect(await cli.json('top')).toMatchObject({ overview: { queue: { length: 3 } } });
  });

  test('top on a terminal draws again on events and gives the screen back on Ctrl-C', async () => {
    let interrupt = (): void => undefined;
    let drawn = 0;
    const out = {
      isTTY: true,
      columns: 60,
      rows: 40,
      text: '',
      write(text: string) {
        this.text += text;
        if (!text.startsWith('\u001B[H')) return;
        drawn += 1;
        if (drawn === 1) cli.world.context.bus.publish(fleetTopic, { kind: 'container', container: aContainer(), inFlight: 0 });
        else interrupt();
      },
    };
    const signals: Machine['signals'] = (listener) => {
      interrupt = listener;
      return () => undefined;
    };
    const { code } = await cli.comfleet(['top'], {
      machine: { terminal: { env: { COMFLEET_URL: cli.url }, cwd: cli.folder, out, err: screenOf() }, signals },
    });
    expect(code).toBe(0);
    expect(out.text.startsWith('\u001B[?1049h')).toBe(true);
    expect(out.text.endsWith('\u001B[?1049l')).toBe(true);
    expect(out.text).toContain('\u001B[33m●\u001B[39m');
  });
});
