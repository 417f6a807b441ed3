import type { OverviewDocument } from '../telemetry/overview/document.ts';
import { stateText } from './containers.ts';
import { listPages } from './pages.ts';
import { secondsBetween, type ContainerWire } from './shapes.ts';
import { bar, columnsOf, count, fit, money, plain, seconds, table, type Palette } from './terminal.ts';
import type { Session, VerbSpec } from './verb.ts';

/** `comfleet top`: the fleet on one screen, drawn anew as things happen. */
export const topVerb: VerbSpec = {
  name: 'top',
  summary: 'show what the fleet does now, live on a terminal',
  examples: ['top', 'top --once', 'top --json'],
  options: (command) => command.option('--once', 'draw once and end; so it is where nobody looks on'),
  run: top,
};

/** At most so often, milliseconds. */
const redrawMs = 500;
/** And at least so often: ages and costs go on without events. */
const idleRedrawMs = 5_000;
const barWidth = 20;

interface Fleet {
  readonly overview: OverviewDocument;
  readonly containers: readonly ContainerWire[];
}

async function top(session: Session): Promise<void> {
  const { terminal, options, json, paint, print } = session;
  if (json || options['once'] === true || terminal.out.isTTY !== true) {
    const fleet = await read(session);
    print(fleet, () => screen(fleet, paint));
    return;
  }
  const ended = new AbortController();
  const end = session.signals(() => ended.abort());
  // The other screen of the terminal: what was there before comes back at the end.
  terminal.out.write('\u001B[?1049h\u001B[?25l');
  try {
    await live(session, ended.signal);
  } finally {
    terminal.out.write('\u001B[?25h\u001B[?1049l');
    end();
  }
}

async function live(session: Session, signal: AbortSignal): Promise<void> {
  const { terminal, client, paint } = session;
  const changes = changeFlag(signal);
  const listening = (async () => {
    for await (const { type } of client.events('/fleet/v1/events', signal)) if (type !== 'decision') changes.set();
  })();
  // Handled where it is awaited; until then a failure must only end the drawing.
  listening.catch(() => changes.set());
  const broken = listening.then(
    () => null,
    (error: unknown) => error,
  );
  while (!signal.aborted) {
    draw(terminal.out, screen(await read(session), paint));
    const failure = await Promise.race([broken, changes.next()]);
    if (failure instanceof Error) throw failure;
  }
}

async function read({ client }: Session): Promise<Fleet> {
  const [overview, containers] = await Promise.all([
    client.call<OverviewDocument>('GET', '/fleet/v1/overview'),
    listPages<ContainerWire>(client, '/fleet/v1/containers', {}),
  ]);
  return { overview, containers: containers.items };
}

/** `next` settles after a change or when it is time again, never sooner than `redrawMs` after its call. */
function changeFlag(signal: AbortSignal): { set(): void; next(): Promise<null> } {
  let changed = false;
  let wake = (): void => undefined;
  return {
    set() {
      changed = true;
      wake();
    },
    next: () =>
      new Promise((resolve) => {
        const startedAt = Date.now();
        const finish = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', finish);
          wake = () => undefined;
          changed = false;
          resolve(null);
        };
        let timer = setTimeout(finish, idleRedrawMs);
        wake = () => {
          clearTimeout(timer);
          timer = setTimeout(finish, Math.max(0, startedAt + redrawMs - Date.now()));
        };
        signal.addEventListener('abort', finish);
        if (changed) wake();
      }),
  };
}

/** Draws over what was there, so that nothing flickers; what does not fit is left out. */
function draw(out: Session['terminal']['out'], text: string): void {
  const lines = text.split('\n').slice(0, (out.rows || 24) - 1);
  const fitted = lines.map((line) => fit(line, columnsOf(out)));
  out.write(`\u001B[H${fitted.map((line) => `${line}\u001B[K`).join('\n')}\u001B[J`);
}

/** The whole screen as text. */
export function screen({ overview, containers }: Fleet, paint: Palette): string {
  const { verdict, queue, cost, runtime, deployments, latency } = overview;
  const colour = { good: paint.green, warn: paint.yellow, bad: paint.red }[verdict.severity];
  const perSecond = latency.p95 === null ? '' : `, p95 ${seconds(latency.p95)}`;
  const waits = queue.oldest_wait_s === null ? '' : `, the oldest for ${seconds(queue.oldest_wait_s)}`;
  const onGpu = overview.containers.on_gpu;
  const lines = [
    `${colour('●')} ${paint.bold(plain(verdict.sentence))}\n`,
    ...verdict.evidence.slice(0, 3).map((sentence) => `  ${paint.dim(plain(sentence))}\n`),
    `\n${paint.dim('queue')}       ${count(queue.length, 'job')}${waits}${perSecond}\n`,
    `${paint.dim('slots')}       ${bar(onGpu / Math.max(1, overview.containers.capacity), barWidth)} ${onGpu} of ${overview.containers.capacity}\n`,
    `${paint.dim('cost')}        ${money(cost.usd_per_min, ' per minute')}${runtime.emulated ? ' (emulated)' : ''}\n`,
    `${paint.dim('runtime')}     ${runtime.name}${runtime.profile === null ? '' : `, timing ${runtime.profile}`}\n\n`,
    table(
      ['deployment', 'state', 'queued', 'containers', 'p95', 'in time', 'cost/min', 'held by'],
      deployments.map((row) => [
        `${row.name}${row.environment === 'production' ? '' : `@${row.environment}`}${row.default ? ' *' : ''}`,
        row.state === 'cannot run' ? paint.red(row.state) : row.state,
        String(row.queued),
        String(row.containers),
        row.p95 === null ? '' : seconds(row.p95),
        row.attainment === null ? '' : `${(row.attainment * 100).toFixed(1)} %`,
        money(row.usd_per_min),
        row.held_by ?? '',
      ]),
      paint,
    ),
    '\n',
    containers.length === 0 ? 'no containers: they start with the first job\n' : containerTable(containers, paint),
  ];
  return lines.join('');
}

const containerTable = (containers: readonly ContainerWire[], paint: Palette): string =>
  table(
    ['container', 'deployment', 'state', 'device', 'gpu', 'age', 'jobs', 'busy'],
    containers.map((container) => {
      const age = secondsBetween(container.started_at, container.stopped_at);
      return [
        container.id,
        container.deployment,
        stateText(container, paint),
        container.device,
        container.gpu ?? '',
        seconds(age),
        String(container.jobs_done),
        `${Math.round((container.seconds.busy / Math.max(0.001, age)) * 100)} %`,
      ];
    }),
    paint,
  );
