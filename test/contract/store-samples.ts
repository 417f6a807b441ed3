import type { Deployment, Revision } from '../../src/deployments/deployment.ts';
import type { ContainerRecord } from '../../src/fleet/container.ts';
import { defaultScaling } from '../../src/fleet/scaling/settings.ts';
import type { Attempt, ClientPrompt, JobRequest, Output, PromptHistory } from '../../src/jobs/job.ts';
import type { AttemptResult, Store } from '../../src/store/store.ts';

/** Values for tests of stores: whole, and small enough to read in a failed comparison. */

export const hour = 3_600_000;
export const t0 = 1_780_000_000_000;

export const requestOf = (change: Partial<JobRequest> = {}): JobRequest => ({
  workspace: 'default',
  environment: 'production',
  deployment: 'collage',
  revision: 'revision-1',
  source: 'simple',
  key: null,
  priority: 0,
  number: 0,
  prompt: null,
  inputs: { prompt: 'a regal phoenix', seed: 7 },
  graph: { 1: { class_type: 'KSampler', inputs: { seed: 7, model: ['2', 0] } }, 2: { class_type: 'Loader', inputs: {} } },
  files: [],
  outputNodes: ['1'],
  modelKey: 'sd15',
  deadlineAt: null,
  executionTimeoutMs: 600_000,
  idempotency: null,
  webhook: null,
  ...change,
});

export const promptOf = (id: string, change: Partial<ClientPrompt> = {}): ClientPrompt => ({
  id,
  clientId: 'client-1',
  extraData: { client_id: 'client-1' },
  outputs: ['9'],
  ...change,
});

export const historyOf = (name: string): PromptHistory => ({
  outputs: { 9: { images: [{ filename: name, subfolder: '', type: 'output' }] } },
  meta: { 9: { node_id: '9', display_node: '9', parent_node: null, real_node_id: '9' } },
  status: { status_str: 'success', completed: true, messages: [['execution_success', { prompt_id: name, timestamp: 1 }]] },
});

export const outputOf = (asset: string | null, change: Partial<Output> = {}): Output => ({
  index: 0,
  node: '1',
  kind: 'image',
  mime: 'image/png',
  filename: 'out.png',
  bytes: 64,
  asset,
  ...change,
});

export const resultOf = (job: string, token: number, change: Partial<AttemptResult> = {}): AttemptResult => ({
  job,
  token,
  at: t0 + 5_000,
  state: 'succeeded',
  outputs: [outputOf('blake3:out')],
  error: null,
  history: null,
  timing: { queue: 1_000, cold: 0, run: 3_900, store: 100 },
  usage: { containerSeconds: 4, share: 1, gpu: 'A10G', usd: 0.001 },
  gpuMs: 3_500,
  ...change,
});

export const containerOf = (id: string, change: Partial<ContainerRecord> = {}): ContainerRecord => ({
  id,
  workspace: 'default',
  environment: 'production',
  deployment: 'collage',
  revision: 'revision-1',
  runtime: 'emulated',
  epoch: 1,
  state: 'ready',
  endpoint: { url: 'http://127.0.0.1:8400' },
  host: 'local',
  device: 'gpu0',
  gpu: 'A10G',
  share: 1,
  startedAt: t0,
  readyAt: t0 + 10_000,
  stoppedAt: null,
  startReason: 'a job waits',
  stopReason: null,
  failure: null,
  phases: [{ phase: 'process', from: t0, to: t0 + 10_000 }],
  jobsDone: 0,
  busySeconds: 0,
  usdPerHour: null,
  ...change,
});

export const deploymentOf = (name: string, change: Partial<Deployment> = {}): Deployment => ({
  name,
  environment: 'production',
  workspace: 'default',
  default: false,
  revision: `${name}-1`,
  scaling: defaultScaling,
  executionTimeoutMs: 600_000,
  problems: [],
  createdAt: t0,
  updatedAt: t0,
  ...change,
});

export const revisionOf = (id: string, deployment: string, assets: readonly string[] = []): Revision => ({
  id,
  deployment,
  environment: 'production',
  workspace: 'default',
  workflow: {
    version: 'v1',
    graph: requestOf().graph,
    inputs: [],
    outputs: [],
    files: assets.map((asset) => ({ name: `${asset}.png`, asset })),
  },
  release: 'local',
  createdAt: t0,
});

/** Submits a job at `t0`. */
export async function submitted(store: Store, id: string, change: Partial<JobRequest> = {}, at = t0): Promise<void> {
  const { kind } = await store.submit({ id, at, request: requestOf(change) });
  if (kind !== 'accepted') throw new Error(`${id} was not accepted: ${kind}`);
}

/** Starts an attempt that must start. */
export async function started(store: Store, job: string, container = 'container-1', at = t0 + 1_000): Promise<Attempt> {
  const attempt = await store.startAttempt({ job, container, epoch: 3, at, coldMs: 0, reason: 'it was idle' });
  if (!attempt) throw new Error(`${job} was not queued`);
  return attempt;
}

/** A job from submission to success, finished at `at`. */
export async function succeeded(
  store: Store,
  id: string,
  at: number,
  change: Partial<JobRequest> = {},
  outputs = [outputOf(null)],
): Promise<void> {
  await submitted(store, id, change, at);
  const { token } = await started(store, id, 'container-1', at);
  await store.finishAttempt(resultOf(id, token, { at, outputs }));
}
