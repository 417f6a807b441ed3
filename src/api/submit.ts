import type { FastifyRequest } from 'fastify';
import { hashJson } from '../comfyui/graph.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { ComfleetError } from '../errors.ts';
import type { Job, JobRequest } from '../jobs/job.ts';
import { createAddressCheck } from '../outbound/addresses.ts';
import { checkLiteralAddress } from '../outbound/safe-fetch.ts';
import { openGraphs } from './auth.ts';
import { withinDepth } from './body.ts';
import type { Values } from './form-values.ts';
import type { ApiContext } from './context.ts';
import { idempotencyKey, type JobOptions } from './job-headers.ts';

/** What to run: the deployment's workflow with these inputs, or a graph of the client's own. */
export type Work = { readonly inputs: Values } | { readonly graph: unknown };

export interface Submission {
  readonly deployment: Deployment;
  readonly source: JobRequest['source'];
  readonly work: () => Promise<Work>;
  readonly options: JobOptions;
}

/**
 * Checks a request for a job and hands it over; when it settles the job is stored. Errors: those of the catalogue for bad input,
 * `open_graphs_off`, `draining`, `idempotency_mismatch`, `store_failed`.
 */
export async function submitJob(
  context: ApiContext,
  request: FastifyRequest,
  submission: Submission,
): Promise<{ job: Job; replay: boolean }> {
  const { deployment } = submission;
  try {
    // Before the body is read and files are stored for nothing.
    if (context.draining()) throw new ComfleetError('draining', 'The gateway takes no new jobs; it is shutting down');
    const key = idempotencyKey(request.headers);
    checkWebhook(context, submission.options.webhook);
    const work = await submission.work();
    const { workspace, environment, name } = deployment;
    // As it was sent: a URL is the same when it reads the same, whatever it leads to by now, and a file when its bytes are.
    const idempotency = key === null ? null : { key, bodyHash: withinDepth(() => hashJson(work)) };
    const owner = { workspace, environment, deployment: name, key: request.principal.key, idempotency };
    const earlier = await context.jobs.earlier(owner);
    if (earlier) return { job: earlier, replay: true };
    return await context.jobs.submit({
      ...owner,
      ...submission.options,
      ...(await bind(context, deployment, work)),
      revision: context.deployments.revision(deployment).id,
      source: submission.source,
      number: context.jobs.takeNumber(),
      prompt: null,
      executionTimeoutMs: deployment.executionTimeoutMs,
    });
  } catch (error) {
    const reason = error instanceof ComfleetError ? error.code : 'internal';
    context.metrics.jobRejected({ deployment: deployment.name, environment: deployment.environment, reason });
    throw error;
  }
}

/** A receiver that could never be called is refused now, not in silence later. */
function checkWebhook({ config }: ApiContext, webhook: string | null): void {
  if (webhook !== null) checkLiteralAddress(new URL(webhook), createAddressCheck(config.network.allowPrivate));
}

async function bind(context: ApiContext, deployment: Deployment, work: Work) {
  const { binder, deployments } = context;
  if ('graph' in work) {
    if (!openGraphs(context)) {
      throw new ComfleetError('open_graphs_off', `Deployment ${deployment.name} runs only its own workflow; open_graphs is off`);
    }
    return readGraph(context, work.graph);
  }
  const problems = await problemsNow(context, deployment);
  const [problem] = problems;
  if (problem)
    throw new ComfleetError(problem.code, `Deployment ${deployment.name} cannot run: ${problem.message}`, {
      problems,
    });
  return binder.bind(deployments.revision(deployment).workflow, work.inputs);
}

/** A file that was put in place needs no restart: containers are asked again, and one that still has to start will tell itself. */
async function problemsNow({ deployments, learnNow }: ApiContext, deployment: Deployment): Promise<Deployment['problems']> {
  if (deployment.problems.length === 0) return [];
  return (await learnNow()) ? deployments.get(deployment.name, deployment.environment).problems : [];
}

async function readGraph({ binder, deployments, learnNow }: ApiContext, graph: unknown) {
  try {
    return binder.readGraph(graph, deployments.definitions());
  } catch (error) {
    // Wrong in itself, not for what containers lack.
    if (!(error instanceof ComfleetError && 'problems' in error.details)) throw error;
    return binder.readGraph(graph, (await learnNow()) ? deployments.definitions() : null);
  }
}
