import { createWriteStream, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from './failure.ts';
import type { Session, VerbSpec } from './verb.ts';

/** `comfleet trace`: the jobs that came to a deployment, for `comfleet simulate --trace`. */
export const traceVerb: VerbSpec = {
  name: 'trace',
  usage: '<deployment>',
  summary: 'the jobs that came to a deployment, with their GPU seconds: what simulate --trace reads',
  examples: ['trace collage --output day.csv', 'trace collage --since 7d --json > week.jsonl'],
  options: (command) =>
    command
      .option('--since <time>', 'a time like 2030-01-31T12:00:00Z or 2030-01-31, or how long ago', '24h')
      .option('--until <time>', 'likewise (else now)')
      .option('--output <file>', 'write it there (else to standard output); with --json as JSON lines, else as CSV'),
  run: trace,
};

async function trace({ client, args, options, json, terminal }: Session): Promise<void> {
  const { since, until, output } = options as Readonly<Record<string, string | undefined>>;
  const query = new URLSearchParams({ format: json ? 'jsonl' : 'csv', since: since ?? '', ...(until === undefined ? {} : { until }) });
  const response = await client.fetch(`/fleet/v1/deployments/${encodeURIComponent(args[0] ?? '')}/trace?${query.toString()}`);
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  let lines = json ? 0 : -1;
  body.on('data', (chunk: Uint8Array) => {
    for (const byte of chunk) if (byte === newline) lines++;
  });
  if (output === undefined) await pipeline(body, async (chunks) => writeOut(chunks as AsyncIterable<Uint8Array>, terminal.out));
  else await writeFile(body, path.resolve(terminal.cwd, output));
  const file = output ?? 'FILE';
  terminal.err.write(
    `${lines} ${lines === 1 ? 'job' : 'jobs'}${output === undefined ? '' : ` in ${output}`}\n${hintOf(response.headers, file)}`,
  );
}

/** How to plan for the jobs as they were: a trace has only their time on the GPU. */
function hintOf(headers: Headers, file: string): string {
  const flags = ['outside-seconds', 'start-seconds'].flatMap((name) => {
    const value = headers.get(`x-comfleet-${name}`);
    return value === null ? [] : [`--${name} ${value}`];
  });
  const told = 'Their time outside the GPU is not in it';
  return flags.length === 0 ? `${told}.\n` : `${told}; to count it: comfleet plan --trace ${file} ${flags.join(' ')}\n`;
}

const newline = 0x0a;

async function writeOut(chunks: AsyncIterable<Uint8Array>, out: Session['terminal']['out']): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) out.write(decoder.decode(chunk, { stream: true }));
}

/** Whole or not at all. */
async function writeFile(body: Readable, file: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  try {
    await pipeline(body, createWriteStream(draft));
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    if (error instanceof Error && 'syscall' in error) throw new UsageError(`${file} cannot be written (${error.message})`);
    throw error;
  }
}
