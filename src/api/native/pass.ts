import type { PassedRequest, PromptRunner } from '../../comfyui/runner.ts';
import type { Deployment } from '../../deployments/deployment.ts';
import { ComfleetError } from '../../errors.ts';
import { takesJobs, type ContainerRecord } from '../../fleet/container.ts';
import type { Fleet } from '../../fleet/fleet.ts';

/** Larger answers are no lists, settings or scripts. */
const maxBytes = 32 * 1024 * 1024;

/** Can the path be read in two ways, one by us and another by a server behind? */
export const isAmbiguous = (path: string): boolean => /\.\.|\/\/|\\|%2e|%2f|%5c|%00/i.test(path);

/** Where containers are, and how to ask them. */
interface Containers {
  readonly fleet: Pick<Fleet, 'containers'>;
  readonly containers: Pick<PromptRunner, 'pass'>;
}

export interface WholeAnswer {
  readonly status: number;
  readonly mime: string;
  readonly etag: string | null;
  readonly body: Buffer;
}

/** A container of the deployment that could run a job now: of those, one without work. */
export function readyContainer({ fleet }: Pick<Containers, 'fleet'>, { name, environment }: Deployment): ContainerRecord | null {
  const ready = fleet
    .containers()
    .filter((one) => one.deployment === name && one.environment === environment && takesJobs(one.state) && one.endpoint !== null);
  return ready.find(({ state }) => state === 'ready') ?? ready[0] ?? null;
}

/** The answer of a ready container; null: there is none. Errors: `container_lost`, also for an answer without end. */
export async function passToContainer(context: Containers, deployment: Deployment, request: PassedRequest): Promise<WholeAnswer | null> {
  const endpoint = readyContainer(context, deployment)?.endpoint;
  if (!endpoint) return null;
  const { status, headers, body } = await context.containers.pass(endpoint, request);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new ComfleetError('container_lost', `The container answered ${request.path} with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const etag = typeof headers['etag'] === 'string' ? headers['etag'] : null;
  return { status, mime: String(headers['content-type'] ?? 'application/octet-stream'), etag, body: Buffer.concat(chunks) };
}
