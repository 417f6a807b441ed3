import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { wireKey } from '../api/wire.ts';
import type { Key } from '../workspaces/keys.ts';
import { RefusedError, UsageError } from './failure.ts';
import { flagsOf } from './flags.ts';
import type { Machine } from './machine.ts';
import { listPages } from './pages.ts';
import type { KeyWire, List } from './shapes.ts';
import { table } from './terminal.ts';
import { addVerb, type Session, type VerbSpec } from './verb.ts';

/** `comfleet keys create|list|revoke`: by the gateway when one runs, else in the data folder itself. */

/** `KeyDesk` over the wire's shapes, wherever the keys are. */
interface WireDesk {
  create(name: string, role: string): Promise<KeyWire & { secret: string }>;
  list(): Promise<List<KeyWire>>;
  revoke(id: string): Promise<KeyWire>;
}

const withFolder = (command: Command): Command =>
  command
    .option('--config <file>', 'the configuration file, when no gateway runs')
    .option('--data-dir <folder>', 'the data folder, when no gateway runs');

const verbs: readonly VerbSpec[] = [
  {
    name: 'create',
    usage: '<name>',
    summary: 'make a key; its secret is shown this once',
    examples: ['keys create --role admin me', 'keys create web-shop'],
    options: (command) => withFolder(command).option('--role <role>', 'admin, or invoke: may only run deployments', 'invoke'),
    async run(session) {
      const { args, options, terminal, paint, print } = session;
      const role = options['role'];
      if (role !== 'admin' && role !== 'invoke') throw new UsageError('--role must be admin or invoke');
      const key = await atDesk(session, (desk) => desk.create(args[0] ?? '', role));
      print(key, () => `${key.secret}\n`);
      terminal.err.write(paint.dim(`key ${key.id} (${role}); keep the secret, it is not shown again\n`));
    },
  },
  {
    name: 'list',
    summary: 'list keys, revoked ones included',
    examples: ['keys list'],
    options: withFolder,
    async run(session) {
      const list = await atDesk(session, (desk) => desk.list());
      session.print(list, () =>
        list.items.length === 0
          ? 'no keys: callers on this machine need none\n'
          : table(
              ['id', 'name', 'role', 'ends in', 'created', 'last used', 'revoked'],
              list.items.map((key) => [key.id, key.name, key.role, key.tail, key.created_at, key.last_used_at ?? '', key.revoked_at ?? '']),
              session.paint,
            ),
      );
    },
  },
  {
    name: 'revoke',
    usage: '<id>',
    summary: 'end a key at once',
    examples: ['keys revoke KEY'],
    options: withFolder,
    async run(session) {
      const key = await atDesk(session, (desk) => desk.revoke(session.args[0] ?? ''));
      session.print(key, () => `${key.id} (${key.name}) is revoked\n`);
    },
  },
];

/** Adds `keys` and its verbs. */
export function addKeys(program: Command, machine: Machine, done: Parameters<typeof addVerb>[3]): void {
  const keys = program.command('keys').description('create, list and revoke API keys');
  for (const verb of verbs) addVerb(keys, verb, machine, done);
}

/** Asks the gateway; without one, opens the data folder, which nobody else then has open. */
async function atDesk<T>(session: Session, work: (desk: WireDesk) => Promise<T>): Promise<T> {
  const { client, options, terminal, openKeys } = session;
  const folderGiven = options['dataDir'] !== undefined || options['config'] !== undefined;
  if (!folderGiven) {
    try {
      return await work(remoteDesk(client));
    } catch (error) {
      const elsewhere = options['url'] !== undefined || (terminal.env['COMFLEET_URL'] ?? '') !== '';
      if (elsewhere || !(error instanceof RefusedError && error.away)) throw error;
    }
  }
  const { config } = loadConfig({ flags: flagsOf(options), env: terminal.env, cwd: terminal.cwd });
  const keys = await openKeys(config);
  try {
    return await work({
      create: async (name, role) => {
        const { key, secret } = await keys.create(name, role as Key['role']);
        return { ...wireKey(key), secret };
      },
      list: async () => ({ items: keys.list().map(wireKey), next: null }),
      revoke: async (id) => wireKey(await keys.revoke(id)),
    });
  } finally {
    await keys.close();
  }
}

const remoteDesk = (client: Session['client']): WireDesk => ({
  create: (name, role) => client.call('POST', '/fleet/v1/keys', { name, role }),
  list: () => listPages(client, '/fleet/v1/keys', {}),
  revoke: (id) => client.call('DELETE', `/fleet/v1/keys/${encodeURIComponent(id)}`),
});
