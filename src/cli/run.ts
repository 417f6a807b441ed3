import { openAsBlob, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from './client.ts';
import { RefusedError, unreadable, UsageError, type ExitCode } from './failure.ts';
import { JobProgress } from './progress.ts';
import type { DeploymentWire, JobWire, UploadWire } from './shapes.ts';
import { count, plain, StatusLine } from './terminal.ts';
import { jsonOrText, pairs, type Session, type VerbSpec } from './verb.ts';

/** `comfleet run`: submits jobs, shows how they go, saves what they made. */
export const runVerb: VerbSpec = {
  name: 'run',
  usage: '<deployment> [inputs...]',
  summary: 'run a deployment and save its outputs here; @file sends a file',
  examples: [
    'run collage prompt="a regal phoenix"',
    'run collage prompt="a fox" background=@photo.png -o fox.png',
    'run collage prompt=owl --count 10',
  ],
  options: (command) =>
    command
      .option('-o, --output <file>', 'where the first output goes; further ones get a number')
      .option('--count <n>', 'run it so many times at once', '1')
      .option('--priority <n>', 'from -100 to 100: jobs of a higher one go first', '0'),
  run,
};

/** How often the line is drawn again, milliseconds. */
const redrawMs = 100;

interface Ran {
  readonly job: JobWire;
  readonly files: readonly string[];
}

async function run(session: Session): Promise<ExitCode> {
  const { client, args, options, terminal, json } = session;
  const [name = '', ...given] = args;
  const times = Number(options['count']);
  if (!Number.isInteger(times) || times < 1 || times > 1_000) throw new UsageError('--count must be a whole number from 1 to 1000');
  const priority = Number(options['priority']);
  if (!Number.isInteger(priority) || Math.abs(priority) > 100) throw new UsageError('--priority must be a whole number from -100 to 100');
  checkOutput(session);
  const deployment = await client.call<DeploymentWire>('GET', `/fleet/v1/deployments/${encodeURIComponent(name)}`);
  const inputs = await readInputs(session, deployment, given);

  const status = new StatusLine(terminal.err, !json);
  const running = new Set<JobProgress>();
  let done = 0;
  const draw = (): void => {
    const now = Date.now();
    const [first] = running;
    first?.lookWhyItWaits(now);
    if (first !== undefined) status.show(`${times > 1 ? `${done}/${times} done  ` : ''}${first.line(now)}`);
  };
  const redraw = setInterval(draw, redrawMs);
  try {
    const one = async (number: number): Promise<Ran> => {
      const job = await follow(client, await submit(client, deployment, { inputs, priority }), running);
      done += 1;
      const files = await save(session, job, times > 1 ? number : null);
      status.clear();
      if (!json) tell(session, job, files);
      return { job, files };
    };
    const all = await Promise.all(Array.from({ length: times }, (_, number) => one(number)));
    if (json) {
      const results = all.map(({ job, files }) => ({ ...job, files }));
      terminal.out.write(`${JSON.stringify(times === 1 ? results[0] : { items: results, next: null })}\n`);
    }
    return all.every(({ job }) => job.state === 'succeeded') ? 0 : 1;
  } finally {
    clearInterval(redraw);
    status.clear();
  }
}

/** Before anything runs: a result that can be put nowhere is paid for in vain. */
function checkOutput({ terminal, options }: Session): void {
  const { output } = options;
  if (typeof output !== 'string') return;
  const file = path.resolve(terminal.cwd, output);
  const isFolder = (place: string): boolean => statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder(file)) throw new UsageError(`-o names the file of the output, and ${file} is a folder`);
  if (!isFolder(path.dirname(file))) throw new UsageError(`There is no folder ${path.dirname(file)} for -o; make it first`);
}

/** Named inputs with their types; `@file` of a file input is uploaded. */
async function readInputs(
  { client, terminal }: Session,
  deployment: DeploymentWire,
  given: readonly string[],
): Promise<Record<string, unknown>> {
  const properties = (deployment.inputs['properties'] ?? {}) as Readonly<Record<string, { type?: string; format?: string } | undefined>>;
  const inputs: Record<string, unknown> = {};
  for (const [name, text] of pairs(given, `comfleet run ${deployment.name} prompt="a regal phoenix"`)) {
    const property = properties[name];
    const isFile = property?.format === 'uri-reference';
    if (isFile && text.startsWith('@')) inputs[name] = await upload(client, path.resolve(terminal.cwd, text.slice(1)));
    else inputs[name] = property?.type === 'string' ? text : jsonOrText(text);
  }
  return inputs;
}

async function upload(client: Client, file: string): Promise<string> {
  const form = new FormData();
  try {
    form.append('file', await openAsBlob(file), path.basename(file));
  } catch (error) {
    throw unreadable(file, error);
  }
  return (await client.call<UploadWire>('POST', '/fleet/v1/uploads', form)).asset;
}

async function submit(
  client: Client,
  deployment: DeploymentWire,
  { inputs, priority }: { inputs: Record<string, unknown>; priority: number },
): Promise<string> {
  const response = await client.fetch(deployment.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      prefer: 'respond-async',
      'x-comfleet-priority': String(priority),
    },
    body: JSON.stringify(inputs),
  });
  await response.arrayBuffer();
  const id = response.headers.get('x-comfleet-job-id');
  if (id === null) throw new RefusedError({ detail: `${client.url}${deployment.url} did not say which job it made.` });
  return id;
}

/** The job in its final state. */
async function follow(client: Client, id: string, running: Set<JobProgress>): Promise<JobWire> {
  const path = `/fleet/v1/jobs/${id}`;
  const progress = new JobProgress(Date.now(), async () => (await client.call<JobWire>('GET', path)).waiting_for);
  running.add(progress);
  const ended = new AbortController();
  try {
    for await (const event of client.events(`${path}/events`, ended.signal)) {
      progress.take(event, Date.now());
      if (progress.ended !== null) break;
    }
    return await client.call<JobWire>('GET', path);
  } finally {
    ended.abort();
    running.delete(progress);
  }
}

/** Saves the outputs beside the caller, or where -o says; the paths of the files. */
async function save({ client, terminal, options }: Session, job: JobWire, number: number | null): Promise<string[]> {
  const files: string[] = [];
  const wanted = options['output'];
  for (const output of job.outputs.filter(({ kind }) => kind !== 'text')) {
    const name =
      typeof wanted === 'string' ? wanted : `${job.deployment}-${job.id.slice(-8)}${path.extname(path.basename(output.filename))}`;
    const { dir, name: stem, ext } = path.parse(path.resolve(terminal.cwd, name));
    const marks = [number !== null && typeof wanted === 'string' ? number + 1 : null, files.length > 0 ? files.length + 1 : null];
    const file = path.join(dir, [stem, ...marks.filter((mark) => mark !== null)].join('-') + ext);
    const response = await client.fetch(output.url);
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    files.push(file);
  }
  return files;
}

function tell({ terminal, paint }: Session, job: JobWire, files: readonly string[]): void {
  const { out, err } = terminal;
  for (const file of files) out.write(`${path.relative(terminal.cwd, file)}\n`);
  for (const { text } of job.outputs) if (text !== undefined) out.write(`${plain(text)}\n`);
  const phases = job.timing === null ? '' : `: ${JobProgress.phases(job.timing)}`;
  if (job.state === 'succeeded') {
    err.write(paint.dim(`job ${job.id} succeeded${phases}, ${count(job.attempts, 'attempt')}\n`));
    return;
  }
  err.write(`job ${job.id} ${job.state}${job.error === null ? '' : `: ${plain(job.error.message)}`}\n`);
  if (job.error !== null) err.write(`next  ${job.error.next}\n`);
}
