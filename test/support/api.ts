import { connect, type AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { ApiContext, ApiLimits } from '../../src/api/context.ts';
import { createServer } from '../../src/api/server.ts';
import { createMemoryAssets } from '../../src/assets/memory.ts';
import { fleetTopic, publishJob } from '../../src/bus/events.ts';
import { createBus } from '../../src/bus/memory.ts';
import { readGraph } from '../../src/comfyui/graph.ts';
import type { Json } from '../../src/comfyui/protocol.ts';
import type { Config } from '../../src/config/schema.ts';
import type { Deployment, Revision } from '../../src/deployments/deployment.ts';
import type { Deployments } from '../../src/deployments/deployments.ts';
import type { Workflow } from '../../src/deployments/workflow.ts';
import { ComfleetError } from '../../src/errors.ts';
import type { ContainerRecord } from '../../src/fleet/container.ts';
import type { Fleet } from '../../src/fleet/fleet.ts';
import { defaultScaling } from '../../src/fleet/scaling/settings.ts';
import { createJobs } from '../../src/jobs/service.ts';
import { createPlans } from '../../src/plans/plans.ts';
import { runPrepared } from '../../src/plans/run-plan.ts';
import { createStageFile } from '../../src/outbound/stage-file.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { AttemptResult } from '../../src/store/store.ts';
import type { OverviewDocument } from '../../src/telemetry/overview/document.ts';
import { createKeys } from '../../src/workspaces/create-keys.ts';
import { containerOf, outputOf, resultOf, t0 } from '../contract/store-samples.ts';
import { seededRandom, VirtualClock } from './virtual-clock.ts';

/** The HTTP API over real services in memory and a clock that stands still: containers are played by `finish`. */

export const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');

export const workflow: Workflow = {
  version: 'v1',
  graph: { 1: { class_type: 'KSampler', inputs: { text: '', seed: 0 } } },
  inputs: [
    { name: 'prompt', type: 'string', targets: [{ node: '1', field: 'text' }], required: true, description: 'What to draw.' },
    { name: 'steps', type: 'int', targets: [], required: false, default: 20, min: 1, max: 100 },
    { name: 'hd', type: 'boolean', targets: [], required: false, default: false },
    { name: 'style', type: 'enum', targets: [], required: false, choices: ['plain', 'oil', 3] },
    { name: 'background', type: 'image', targets: [], required: false },
    { name: 'seed', type: 'int', targets: [{ node: '1', field: 'seed' }], required: false, random: true, default: 0 },
  ],
  outputs: [{ node: '1', name: 'picture' }],
  files: [],
};

export function configOf(change: Partial<Config> = {}): Config {
  return {
    dataDir: '/nowhere',
    network: { host: '127.0.0.1', port: 8288, hosts: [], allowPrivate: [] },
    runtime: 'emulated',
    comfyui: { path: null, urls: [], python: null, args: [], cpu: false },
    profile: 'a10g-collage',
    capacity: null,
    workspace: { name: 'local', gpuLimit: null },
    gpus: {},
    page: { folder: null, container: false, port: 8289 },
    retention: { jobsMs: 1, outputsMs: 1, uploadsMs: 1 },
    shadow: { everyMs: null, windowMs: 86_400_000 },
    openGraphs: null,
    deployments: [],
    file: null,
    ...change,
  };
}

const deploymentOf = (name: string, environment: string, isDefault: boolean): Deployment => ({
  name,
  environment,
  workspace: 'local',
  default: isDefault,
  revision: `${name}-${environment}-1`,
  scaling: defaultScaling,
  executionTimeoutMs: 600_000,
  problems: [],
  createdAt: t0,
  updatedAt: t0,
});

function fakeDeployments(): Deployments & { items: Deployment[] } {
  const items = [
    deploymentOf('collage', 'production', true),
    deploymentOf('portrait', 'production', false),
    deploymentOf('collage', 'staging', false),
  ];
  const workflows = new Map(items.map(({ revision }) => [revision, workflow]));
  const get: Deployments['get'] = (name, environment = 'production') => {
    const found = items.find((item) => (name === null ? item.default : item.name === name && item.environment === environment));
    if (!found) throw new ComfleetError('unknown_deployment', `There is no deployment ${name}`);
    return found;
  };
  const replace = (deployment: Deployment): Deployment => {
    const index = items.findIndex((item) => item.name === deployment.name && item.environment === deployment.environment);
    items.splice(index < 0 ? items.length : index, index < 0 ? 0 : 1, deployment);
    return deployment;
  };
  return {
    items,
    list: () => items,
    get,
    revision: (deployment) => ({ id: deployment.revision, workflow: workflows.get(deployment.revision) }) as Revision,
    async deploy(input) {
      const deployment = { ...deploymentOf(input.name, input.environment ?? 'production', false), revision: 'new' };
      workflows.set('new', input.workflow);
      return replace({ ...deployment, scaling: { ...defaultScaling, ...input.scaling } });
    },
    async scale(name, environment, change) {
      const deployment = get(name, environment);
      return replace({ ...deployment, scaling: { ...deployment.scaling, ...change } });
    },
    definitions: () => null,
    learnDefinitions: async () => undefined,
    catalogue: () => null,
    learnCatalogue: async () => undefined,
    subscribe: () => () => undefined,
  };
}

export const aContainer = (change: Partial<ContainerRecord> = {}): ContainerRecord =>
  containerOf('container-1', { state: 'ready', ...change });

export interface ApiWorld {
  readonly app: FastifyInstance;
  readonly context: ApiContext;
  readonly clock: VirtualClock;
  readonly deployments: ReturnType<typeof fakeDeployments>;
  readonly containers: ContainerRecord[];
  readonly stopped: { id: string; force: boolean; reason: string }[];
  readonly bound: Readonly<Record<string, unknown>>[];
  readonly logLines: Record<string, unknown>[];
  readonly rejected: string[];
  /** The fleet's part: the job starts on a container and ends so; its outputs are one PNG unless said otherwise. */
  finish(job: string, change?: Partial<AttemptResult>): Promise<void>;
  start(job: string): Promise<number>;
  drain(): void;
}

export interface WorldOptions {
  readonly config?: Partial<Config>;
  readonly limits?: Partial<ApiLimits>;
  readonly change?: (context: ApiContext) => Partial<ApiContext>;
}

export async function createApiWorld({ config, limits, change }: WorldOptions = {}): Promise<ApiWorld> {
  const clock = new VirtualClock(t0);
  const random = seededRandom(1, clock);
  const store = createMemoryStore();
  const assets = createMemoryAssets(clock);
  const bus = createBus(clock, { kept: [fleetTopic], ring: 100 });
  const deployments = fakeDeployments();
  const containers: ContainerRecord[] = [];
  const stopped: ApiWorld['stopped'] = [];
  const bound: Record<string, unknown>[] = [];
  const logLines: Record<string, unknown>[] = [];
  const rejected: string[] = [];
  let draining = false;
  const report = (error: unknown): void => {
    throw error;
  };
  const jobs = createJobs({
    store,
    clock,
    random,
    admit: () => undefined,
    accept: (job) => publishJob(bus, job, 'queued'),
    canceled: (job) => {
      publishJob(bus, job, job.state === 'canceled' ? 'canceled' : 'cancel_requested');
      if (job.state === 'canceled') jobs.ended(job);
    },
  });
  const stageFile = createStageFile({
    assets,
    store,
    clock,
    maxBytes: 1_000_000,
    fetch: async () => {
      throw new ComfleetError('url_failed', 'There is no network in this test');
    },
  });
  const base: ApiContext = {
    version: '1.2.3',
    config: configOf(config),
    clock,
    random,
    logger: pino({ level: 'debug' }, { write: (line: string) => void logLines.push(JSON.parse(line) as Record<string, unknown>) }),
    store,
    assets,
    bus,
    jobs,
    deployments,
    fleet: fakeFleet(containers, stopped),
    containers: { pass: () => Promise.reject(new ComfleetError('container_lost', 'There are no real containers in this test')) },
    learnNow: () => Promise.resolve(true),
    refresh: () => Promise.resolve(),
    keys: await createKeys({ store, clock, random, workspace: 'local', report }),
    binder: fakeBinder(bound),
    stageFile,
    webhooks: { replay: async () => [], secret: async () => 'whsec_c2VjcmV0' },
    metrics: {
      contentType: 'text/plain; version=0.0.4',
      text: async () => 'comfleet_build_info 1\n',
      httpStarted: () => undefined,
      httpFinished: () => undefined,
      jobRejected: ({ reason }) => void rejected.push(reason),
    },
    overview: () => overview,
    overviewTag: () => 'tag',
    plans: createPlans({ clock, random, run: runPrepared, report }),
    learnt: () => null,
    logs: async function* () {
      yield { at: t0, stream: 'stdout', text: 'Starting server' };
      yield { at: t0 + 1, stream: 'stderr', text: '<b>warning</b>' };
    },
    shadow: {
      view: ({ name, environment }) => ({ deployment: name, environment, state: 'off', note: 'off', next_at: null, result: null }),
    },
    dashboard: () => ({ state: 'building' }),
    page: null,
    draining: () => draining,
    ...(limits ? { limits } : {}),
  };
  const context = { ...base, ...change?.(base) };
  const app = createServer(context);

  const start = async (job: string): Promise<number> => {
    const attempt = await store.startAttempt({
      job,
      container: 'container-1',
      epoch: 1,
      at: clock.now(),
      coldMs: 0,
      reason: 'it was idle',
    });
    if (!attempt) throw new Error(`job ${job} cannot start`);
    publishJob(bus, await jobs.get(job), 'started');
    return attempt.token;
  };
  const finish = async (id: string, changes: Partial<AttemptResult> = {}): Promise<void> => {
    const before = await jobs.get(id);
    const token = before.state === 'running' ? before.token : await start(id);
    const picture = await assets.put(png);
    const outputs = changes.state && changes.state !== 'succeeded' ? [] : [outputOf(picture.id, { bytes: png.length })];
    await store.finishAttempt({ ...resultOf(id, token, { outputs }), at: clock.now(), ...changes });
    const job = await jobs.get(id);
    publishJob(bus, job, changes.state ?? 'succeeded');
    jobs.ended(job);
  };
  const drain = (): void => {
    draining = true;
    jobs.drain();
  };
  return { app, context, clock, deployments, containers, stopped, bound, logLines, rejected, finish, start, drain };
}

function fakeBinder(bound: Record<string, unknown>[]): ApiContext['binder'] {
  return {
    async bind({ inputs, graph }, values) {
      const unknown = Object.keys(values).find((name) => !inputs.some((input) => input.name === name));
      if (unknown !== undefined) throw new ComfleetError('invalid_input', `There is no input ${unknown}`);
      bound.push({ ...values });
      return { inputs: { ...(values as Record<string, Json>), seed: 42 }, graph, files: [], outputNodes: ['1'], modelKey: '' };
    },
    readGraph: (graph) => ({ inputs: null, graph: readGraph(graph), files: [], outputNodes: [], modelKey: '' }),
    readWorkflow: async (graph) => ({ ...workflow, graph: readGraph(graph), version: 'v2' }),
  };
}

function fakeFleet(containers: ContainerRecord[], stopped: ApiWorld['stopped']): Fleet {
  return {
    containers: () => containers,
    slots: () => [{ host: 'local', device: 'gpu0', gpu: 'A10G', share: 1 }],
    queues: () => [
      {
        deployment: 'collage',
        environment: 'production',
        queued: 3,
        running: 1,
        oldestQueuedAt: t0 - 5_000,
        desired: 4,
        target: 2,
        heldBy: 'max_containers',
        note: null,
      },
    ],
    waitingFor: () => 'a container that starts',
    runtime: { name: 'emulated', capacity: 100, ready: true, note: 'emulated containers' },
    cost: () => [
      { deployment: 'collage', gpu: 'A10G', busy: 1, starting: 0, idle: 1, usdPerMinute: { busy: 0.02, starting: 0, idle: 0.02 } },
    ],
    async stopContainer(id, options) {
      if (!containers.some((container) => container.id === id)) throw new ComfleetError('unknown_container', `There is no container ${id}`);
      stopped.push({ id, ...options });
    },
  };
}

const overview = {
  as_of: t0,
  verdict: { code: 'flow/idle', severity: 'good', sentence: 'Nothing to do.', evidence: ['No jobs.'], ruled_out: [], as_of: t0 },
} as unknown as OverviewDocument;

/** Sends bytes as they are and gives back what came until the connection closed. */
export function rawRequest(port: number, text: string, options: { halfClose?: boolean } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => (options.halfClose ? socket.end(text) : socket.write(text)));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

/** A port on which the world listens; the test closes `app`. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}
