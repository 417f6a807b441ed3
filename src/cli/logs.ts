import { RefusedError } from './failure.ts';
import type { ContainerWire, JobWire } from './shapes.ts';
import { plain } from './terminal.ts';
import type { Session, VerbSpec } from './verb.ts';

/** `comfleet logs`: what a container wrote, or the container that a job ran on. */
export const logsVerb: VerbSpec = {
  name: 'logs',
  usage: '<container|job>',
  summary: 'show the log of a container, or of the container that a job ran on',
  examples: ['logs CONTAINER', 'logs JOB', 'logs CONTAINER -f'],
  options: (command) => command.option('-f, --follow', 'go on until the container ends'),
  run: logs,
};

async function logs({ client, args, options, json, terminal }: Session): Promise<void> {
  const container = await containerOf(client, args[0] ?? '');
  const follow = options['follow'] === true;
  const response = await client.fetch(`/fleet/v1/containers/${encodeURIComponent(container)}/logs?follow=${follow}`, {
    headers: { accept: json ? 'application/x-ndjson' : 'text/plain' },
  });
  const decoder = new TextDecoder();
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    const text = decoder.decode(chunk, { stream: true });
    terminal.out.write(json ? text : plain(text));
  }
}

/** The container with this id, or the last one of the job with this id. */
async function containerOf(client: Session['client'], id: string): Promise<string> {
  const name = encodeURIComponent(id);
  try {
    return (await client.call<ContainerWire>('GET', `/fleet/v1/containers/${name}`)).id;
  } catch (error) {
    if (!(error instanceof RefusedError) || error.problem.code !== 'unknown_container') throw error;
  }
  try {
    const { container, waiting_for: waitingFor } = await client.call<JobWire>('GET', `/fleet/v1/jobs/${name}`);
    if (container !== null) return container;
    throw new RefusedError({
      detail: `Job ${id} had no container yet${waitingFor === null ? '' : `; it waits for ${waitingFor}`}.`,
      next: 'Try again when it runs.',
    });
  } catch (error) {
    if (!(error instanceof RefusedError) || error.problem.code !== 'unknown_job') throw error;
    throw new RefusedError({
      code: 'unknown_container',
      detail: `There is no container and no job ${id}.`,
      next: 'List them: comfleet containers --all, comfleet jobs.',
    });
  }
}
