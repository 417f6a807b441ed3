import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort, openCli, type CliWorld } from '../../test/support/cli.ts';
import type { Config } from '../config/schema.ts';
import { ComfleetError } from '../errors.ts';

let cli: CliWorld;

beforeEach(async () => {
  cli = await openCli();
});

afterEach(() => cli.close());

describe('keys', () => {
  test('through the gateway', async () => {
    const created = await cli.comfleet(['keys', 'create', 'shop']);
    expect(created.out).toMatch(/^cfk_\w{43}\n$/);
    expect(created.err).toContain('(invoke); keep the secret');
    const [key] = cli.world.context.keys.list();
    expect((await cli.comfleet(['keys', 'list'])).out).toMatch(
      new RegExp(`^${key?.id} +shop +invoke +${created.out.trim().slice(-4)}`, 'm'),
    );
    expect((await cli.comfleet(['keys', 'revoke', key?.id ?? ''])).out).toBe(`${key?.id} (shop) is revoked\n`);
    expect(cli.world.context.keys.any()).toBe(false);
    expect((await cli.comfleet(['keys', 'create', 'x', '--role', 'owner'])).code).toBe(2);
    expect((await cli.comfleet(['keys', 'revoke', 'nobody'])).code).toBe(1);
  });

  test('in the data folder when no gateway runs, or when the folder is named', async () => {
    const opened: string[] = [];
    const openKeys = async ({ dataDir }: Config) => {
      opened.push(dataDir);
      return { ...cli.world.context.keys, close: async () => void opened.push('closed') };
    };
    const named = await cli.comfleet(['keys', 'create', 'me', '--role', 'admin', '--data-dir', 'there'], { machine: { openKeys } });
    expect(named.code).toBe(0);
    expect(cli.world.context.keys.list()).toMatchObject([{ name: 'me', role: 'admin' }]);
    expect(opened).toEqual([path.join(cli.folder, 'there'), 'closed']);
    // Somewhere else is somewhere else: no silent change of the place.
    const away = await cli.comfleet(['keys', 'list'], {
      env: { COMFLEET_URL: `http://127.0.0.1:${await freePort()}` },
      machine: { openKeys },
    });
    expect(away.code).toBe(1);
    expect(opened).toHaveLength(2);
  });

  test('a data folder that is in use says so', async () => {
    const openKeys = async () => {
      throw new ComfleetError('data_folder_in_use', 'x is used by another comfleet');
    };
    const { code, err } = await cli.comfleet(['keys', 'list', '--data-dir', 'x'], { machine: { openKeys } });
    expect(code).toBe(1);
    expect(err).toMatch(/^error x is used.*\nnext {2}Stop it/);
  });
});

describe('the command line as such', () => {
  const verbs = ['up', 'deploy', 'run', 'scale', 'jobs', 'containers', 'logs', 'top', 'doctor', 'keys create', 'keys list', 'keys revoke'];

  test.each(verbs)('%s --help shows an example and --json', async (verb) => {
    const { code, out } = await cli.comfleet([...verb.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`$ comfleet ${verb}`);
    expect(out).toContain('--json');
  });

  test('--help says what exit codes mean, --version the version', async () => {
    expect((await cli.comfleet(['--help'])).out).toMatch(/Exit codes:\n {2}0 {2}done\n {2}1 .*\n {2}2 /);
    expect(await cli.comfleet(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  test.each([[['fly']], [['jobs', '--stat']], [['up', '--port']], [['jobs', '--url', 'nonsense']], [[]]])(
    '%j is exit code 2',
    async (args) => {
      expect((await cli.comfleet(args)).code).toBe(2);
    },
  );

  test.each([
    [['fly', '--json'], "unknown command 'fly'"],
    [['run', '--json'], "missing required argument 'deployment'"],
    [['jobs', '--json', '--stat'], "unknown option '--stat'"],
  ])('%j says so in JSON and nowhere else', async (args, detail) => {
    const { code, out, err } = await cli.comfleet(args);
    expect([code, err]).toEqual([2, '']);
    expect(JSON.parse(out)).toEqual({ error: { code: 'usage', detail: expect.stringContaining(detail) as string } });
  });

  test('a wrong verb says where the verbs are listed', async () => {
    expect((await cli.comfleet(['fly'])).err).toContain('comfleet --help lists the verbs');
    expect((await cli.comfleet(['--help', '--json'])).out).toContain('Usage: comfleet');
  });

  test('an error of the configuration is exit code 2, and says where', async () => {
    const { code, err } = await cli.comfleet(['keys', 'list', '--config', 'no.yaml']);
    expect(code).toBe(2);
    expect(err).toContain('--config: there is no file');
  });

  test('no gateway is exit code 1, with what to do', async () => {
    const { code, err } = await cli.comfleet(['jobs', '--url', `http://127.0.0.1:${await freePort()}`]);
    expect(code).toBe(1);
    expect(err).toMatch(/No gateway answers at .*ECONNREFUSED.*\nnext {2}Start one with: comfleet up/);
  });

  test('the key is sent; without one the refusal says how to get one', async () => {
    const { secret } = await cli.world.context.keys.create('me', 'invoke');
    const refused = await cli.comfleet(['containers'], { env: { COMFLEET_KEY: secret } });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('needs the role admin');
    expect((await cli.comfleet(['jobs'], { env: { COMFLEET_KEY: secret } })).code).toBe(0);
    expect((await cli.comfleet(['jobs'], { env: { COMFLEET_KEY: 'wrong' } })).err).toContain('comfleet keys create');
  });

  test('an error of the program shows its stack only with COMFLEET_DEBUG', async () => {
    const machine = { openKeys: async () => Promise.reject(new Error('boom')) };
    const args = ['keys', 'list', '--data-dir', 'x'];
    expect((await cli.comfleet(args, { machine })).err).toMatch(/^error boom\nnext {2}Run it again with COMFLEET_DEBUG=1[^\n]*\n$/);
    expect((await cli.comfleet(args, { machine, env: { COMFLEET_DEBUG: '1' } })).err).toContain('main.test.ts');
  });
});
