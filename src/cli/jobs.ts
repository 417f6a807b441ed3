import { limitOf, listPages, moreLine } from './pages.ts';
import { JobProgress } from './progress.ts';
import { secondsBetween, type JobWire } from './shapes.ts';
import { bytes, money, plain, seconds, table, type Palette } from './terminal.ts';
import type { Session, VerbSpec } from './verb.ts';

/** `comfleet jobs`: lists, shows and cancels them. */
export const jobsVerb: VerbSpec = {
  name: 'jobs',
  usage: '[id]',
  summary: 'list jobs, show one, or cancel one',
  examples: ['jobs --state queued', 'jobs JOB', 'jobs --cancel JOB'],
  options: (command) =>
    command
      .option('--state <state>', 'queued, running, succeeded, failed, canceled or expired')
      .option('--deployment <name>', 'only those of one deployment')
      .option('--limit <n>', 'at most so many', '20')
      .option('--cursor <next>', 'the page after; `next` of the page before')
      .option('--cancel <id>', 'cancel this job'),
  run: jobs,
};

async function jobs(session: Session): Promise<void> {
  const { client, args, options, paint, print } = session;
  const cancel = options['cancel'];
  if (typeof cancel === 'string') {
    const job = await client.call<JobWire>('POST', `/fleet/v1/jobs/${encodeURIComponent(cancel)}/cancel`);
    print(job, () => `${job.id} ${job.cancel_requested && job.state === 'running' ? 'is being cancelled' : `is ${job.state}`}\n`);
    return;
  }
  const [id] = args;
  if (id !== undefined) return show(session, id);
  const { state, deployment, cursor } = options as Readonly<Record<string, string | undefined>>;
  const list = await listPages<JobWire>(client, '/fleet/v1/jobs', { state, deployment, cursor }, limitOf(options['limit']));
  print(list, () => {
    if (list.items.length === 0) return 'no jobs\n';
    const rows = list.items.map((job) => [
      job.id,
      job.deployment,
      jobState(job, paint),
      job.created_at,
      seconds(secondsBetween(job.created_at, job.finished_at)),
      String(job.attempts),
      job.error?.message ?? job.waiting_for ?? '',
    ]);
    return table(['id', 'deployment', 'state', 'created', 'time', 'attempts', 'why'], rows, paint) + moreLine('jobs', list.next);
  });
}

async function show({ client, paint, print }: Session, id: string): Promise<void> {
  const path = `/fleet/v1/jobs/${encodeURIComponent(id)}`;
  const job = await client.call<JobWire>('GET', path);
  print(job, () => describeJob(job, paint));
}

function describeJob(job: JobWire, paint: Palette): string {
  const { timing, usage, error } = job;
  const rows: [string, string][] = [
    ['id', job.id],
    ['deployment', `${job.deployment}@${job.environment}`],
    ['state', jobState(job, paint)],
    ['created', job.created_at],
    ['finished', job.finished_at ?? ''],
    ['attempts', `${job.attempts}${job.lost_containers > 0 ? `, ${job.lost_containers} containers lost` : ''}`],
    ['container', job.container ?? ''],
  ];
  if (job.waiting_for !== null) rows.push(['waits for', job.waiting_for]);
  if (timing !== null) rows.push(['time', JobProgress.phases(timing)]);
  if (usage !== null) rows.push(['cost', `${money(usage.usd)} (${seconds(usage.container_seconds)} of a container)`]);
  if (error !== null) rows.push(['error', plain(`${error.code}: ${error.message}`)], ['next', error.next]);
  for (const [name, value] of Object.entries(job.inputs ?? {})) rows.push([`input ${name}`, plain(JSON.stringify(value)).slice(0, 200)]);
  for (const { index, filename, mime, bytes: size, url } of job.outputs)
    rows.push([`output ${index}`, `${filename} (${mime}, ${bytes(size)}) ${url}`]);
  const width = 2 + Math.max(12, ...rows.map(([label]) => label.length));
  return rows.map(([label, text]) => `${paint.dim(label.padEnd(width))}${text === '' ? '-' : text}\n`).join('');
}

/** The state in its colour. */
export function jobState({ state, cancel_requested: cancelling }: Pick<JobWire, 'state' | 'cancel_requested'>, paint: Palette): string {
  if (state === 'succeeded') return paint.green(state);
  if (state === 'failed' || state === 'expired') return paint.red(state);
  return cancelling && state === 'running' ? paint.yellow('running, being cancelled') : state;
}
