import { UsageError } from './failure.ts';
import { limitOf, listPages, moreLine } from './pages.ts';
import { secondsBetween, type ContainerWire } from './shapes.ts';
import { fit, money, plain, seconds, table, widthOf, type Palette } from './terminal.ts';
import type { Session, VerbSpec } from './verb.ts';

/** `comfleet containers`: what lives, and the end of one. */
export const containersVerb: VerbSpec = {
  name: 'containers',
  summary: 'list containers, or stop one',
  examples: ['containers', 'containers --all', 'containers --stop CONTAINER', 'containers --stop CONTAINER --force'],
  options: (command) =>
    command
      .option('--all', 'stopped and failed ones too')
      .option('--deployment <name>', 'only those of one deployment')
      .option('--limit <n>', 'at most so many', '200')
      .option('--cursor <next>', 'the page after; `next` of the page before')
      .option('--stop <id>', 'stop this container when its jobs are done')
      .option('--force', 'with --stop: at once; its jobs are tried again elsewhere'),
  run: containers,
};

async function containers({ client, options, paint, print }: Session): Promise<void> {
  const stop = options['stop'];
  if (typeof stop === 'string') {
    const force = options['force'] === true;
    const body = { force, reason: 'asked for by comfleet containers --stop' };
    const stopped = await client.call<ContainerWire>('POST', `/fleet/v1/containers/${encodeURIComponent(stop)}/stop`, body);
    print(stopped, () => `${stop} ${force ? 'was stopped' : 'stops when its jobs are done'}\n`);
    return;
  }
  if (options['force'] === true) throw new UsageError('--force goes with --stop CONTAINER');
  const { deployment, cursor } = options as Readonly<Record<string, string | undefined>>;
  const query = { alive: String(options['all'] !== true), deployment, cursor };
  const list = await listPages<ContainerWire>(client, '/fleet/v1/containers', query, limitOf(options['limit']));
  print(list, () =>
    list.items.length === 0
      ? 'no containers: they start with the first job\n'
      : table(
          ['id', 'deployment', 'state', 'device', 'gpu', 'age', 'jobs', 'cost'],
          list.items.map((container) => [
            container.id,
            container.deployment,
            stateText(container, paint),
            container.device,
            container.gpu ?? '',
            seconds(secondsBetween(container.started_at, container.stopped_at)),
            String(container.jobs_done),
            money(container.usd),
          ]),
          paint,
        ) + moreLine(options['all'] === true ? 'containers --all' : 'containers', list.next),
  );
}

/** The state, with the phase of a start and the reason of a failure. */
export function stateText({ state, phases, failure }: ContainerWire, paint: Palette): string {
  if (state === 'starting') return paint.yellow(`starting: ${phases.at(-1)?.phase ?? 'provision'}`);
  if (state === 'failed') return paint.red(`failed: ${shortened(failure?.message ?? 'for an unknown reason')}`);
  return state === 'busy' || state === 'ready' ? paint.green(state) : state;
}

/** Columns of a failure's reason: it may end with the tail of a log, which `comfleet logs` and --json give whole. */
const reasonColumns = 60;

function shortened(message: string): string {
  const [line = ''] = plain(message).split('\n');
  return widthOf(line) > reasonColumns ? `${fit(line, reasonColumns - 1)}…` : line;
}
