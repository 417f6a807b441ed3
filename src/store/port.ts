import type { ContainerRecord } from '../fleet/container.ts';
import { ComfleetError } from '../errors.ts';
import type { Deployment, Revision } from '../deployments/deployment.ts';
import type { Job } from '../jobs/job.ts';
import type { Key } from '../workspaces/keys.ts';
import { reads, type Executor } from './operations.ts';
import type { ContainerWrite } from './operations/containers.ts';
import type { ScopeRow } from './operations/prompts.ts';
import type { UnfinishedRow } from './operations/queries.ts';
import type { EarlierRow } from './operations/submit.ts';
import {
  acceptedJob,
  arrivalOf,
  attemptOf,
  callerRow,
  decisionOf,
  deliveryOf,
  eventOf,
  jobOf,
  namedFileOf,
  newJobRow,
  promptOf,
  resultRow,
  type JobRow,
} from './rows.ts';
import type { Earlier, JobFilter, Page, PromptScope, Store } from './store.ts';
import { usageOf } from './usage.ts';

/** The port over operations: values are turned into rows here, on the caller's side, and rows into values. */
export function storeOver(adapter: Executor): Store {
  const { executor, trouble } = watched(adapter);
  return {
    ...jobMethods(executor),
    ...fleetMethods(executor),
    ...otherMethods(executor),
    ...promptMethods(executor),
    ...fileMethods(executor),
    close: () => executor.close(),
    trouble,
  };
}

/** The same executor, and what became of its last write. */
function watched(executor: Executor): { executor: Executor; trouble: () => string | null } {
  let trouble: string | null = null;
  const run: Executor['run'] = async (name, input) => {
    if (name in reads) return executor.run(name, input);
    try {
      const result = await executor.run(name, input);
      trouble = null;
      return result;
    } catch (error) {
      if (error instanceof ComfleetError && error.code === 'store_failed') trouble = error.message;
      throw error;
    }
  };
  return { executor: { run, close: () => executor.close() }, trouble: () => trouble };
}

type JobMethods = Pick<
  Store,
  | 'submit'
  | 'earlierSubmission'
  | 'startAttempt'
  | 'finishAttempt'
  | 'loseAttempt'
  | 'endQueued'
  | 'requestCancel'
  | 'job'
  | 'jobs'
  | 'unfinishedJobs'
  | 'attempts'
  | 'arrivals'
  | 'gpuTimes'
  | 'arrivalFromEnd'
  | 'jobEvents'
>;

function jobMethods({ run }: Executor): JobMethods {
  return {
    async submit(input) {
      const submission = await run('submit', newJobRow(input));
      if (submission.kind === 'accepted') return { kind: 'accepted', job: acceptedJob(input) };
      return earlierOf(submission);
    },
    async earlierSubmission(input) {
      const { at, workspace, environment, deployment, key, idempotency } = input;
      const found = await run('earlierSubmission', { at, workspace, environment, deployment, key, idempotency });
      return found && earlierOf(found);
    },
    async startAttempt(input) {
      const row = await run('startAttempt', input);
      return row && attemptOf(row);
    },
    finishAttempt: async (result) => run('finishAttempt', resultRow(result)),
    loseAttempt: async (input) => jobOrNull(await run('loseAttempt', input)),
    endQueued: (input) => run('endQueued', input),
    requestCancel: async (input) => jobOrNull(await run('requestCancel', input)),
    job: async (id) => jobOrNull(await run('job', id)),
    async jobs({ cursor, ...filter }) {
      const before = cursor === undefined ? null : cursorNumber(cursor);
      return pageOf(await run('jobs', { ...filter, before }), filter);
    },
    async unfinishedJobs() {
      const rows = await run('unfinishedJobs', undefined);
      return rows.map((row) => ({ job: jobOf(row), attempt: runningAttempt(row) }));
    },
    arrivals: async (input) => (await run('arrivals', input)).map(arrivalOf),
    gpuTimes: (input) => run('gpuTimes', input),
    arrivalFromEnd: (input) => run('arrivalFromEnd', input),
    attempts: async (job) => (await run('attempts', job)).map(attemptOf),
    jobEvents: async (input) => (await run('jobEvents', input)).map((row) => eventOf(input.job, row)),
  };
}

const earlierOf = (found: EarlierRow): Earlier => (found.kind === 'known' ? { kind: 'known', job: jobOf(found.row) } : found);

const jobOrNull = (row: JobRow | null): Job | null => row && jobOf(row);

function runningAttempt(row: UnfinishedRow): ReturnType<typeof attemptOf> | null {
  if (row.attempt_number === null) return null;
  return attemptOf({
    job: row.id,
    number: row.attempt_number,
    token: row.attempt_token ?? 0,
    container: row.attempt_container ?? '',
    epoch: row.attempt_epoch ?? 0,
    started_at: row.attempt_started_at ?? 0,
    ended_at: row.attempt_ended_at,
    outcome: row.attempt_outcome ?? '',
    cold_ms: row.attempt_cold_ms ?? 0,
  });
}

function cursorNumber(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) {
    throw new ComfleetError('invalid_parameter', `"${cursor.slice(0, 40)}" is not a cursor: use "next" of the page before.`);
  }
  return Number(cursor);
}

function pageOf(rows: JobRow[], { limit }: JobFilter): Page<Job> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items: items.map(jobOf), next: rows.length > limit && last ? String(last.num) : null };
}

type FleetMethods = Pick<
  Store,
  'saveDeployment' | 'deployments' | 'revision' | 'saveContainer' | 'containers' | 'usage' | 'recordDecision' | 'decisions' | 'acquireLease'
>;

function fleetMethods({ run }: Executor): FleetMethods {
  return {
    saveDeployment: async ({ deployment, revision }) =>
      run('saveDeployment', {
        workspace: deployment.workspace,
        environment: deployment.environment,
        name: deployment.name,
        revision: deployment.revision,
        isDefault: deployment.default,
        createdAt: deployment.createdAt,
        record: JSON.stringify(deployment),
        newRevision: revision && {
          id: revision.id,
          createdAt: revision.createdAt,
          record: JSON.stringify(revision),
          assets: revision.workflow.files.map((file) => file.asset),
        },
      }),
    async deployments() {
      const rows = await run('deployments', undefined);
      return rows.map((row) => Object.assign(JSON.parse(row.record) as Deployment, { default: row.is_default === 1 }));
    },
    async revision(id) {
      const record = await run('revision', id);
      return record === null ? null : (JSON.parse(record) as Revision);
    },
    saveContainer: async (container) => run('saveContainer', containerWrite(container)),
    containers: async (filter) => recordsOf<ContainerRecord>(await run('containers', filter)),
    async usage({ of, ...window }) {
      const records = recordsOf<ContainerRecord>(await run('containersWithin', window));
      const isWanted = ({ deployment, environment }: ContainerRecord): boolean =>
        !of || (deployment === of.deployment && environment === of.environment);
      return usageOf(records.filter(isWanted), window);
    },
    recordDecision: async (decision) => run('recordDecision', { ...decision, data: JSON.stringify(decision.data) }),
    decisions: async (filter) => (await run('decisions', filter)).map(decisionOf),
    acquireLease: (input) => run('acquireLease', input),
  };
}

const recordsOf = <Value>(rows: { record: string }[]): Value[] => rows.map((row) => JSON.parse(row.record) as Value);

function containerWrite(container: ContainerRecord): ContainerWrite {
  const { id, workspace, environment, deployment, revision, epoch, state, startedAt, stoppedAt } = container;
  const alive = state !== 'stopped' && state !== 'failed';
  const endedAt = alive ? null : (stoppedAt ?? startedAt);
  return { id, workspace, environment, deployment, revision, epoch, state, startedAt, endedAt, record: JSON.stringify(container) };
}

type OtherMethods = Pick<
  Store,
  'saveKey' | 'keys' | 'dueDeliveries' | 'saveDelivery' | 'deliveries' | 'touchAsset' | 'sweep' | 'document' | 'saveDocument'
>;

function otherMethods({ run }: Executor): OtherMethods {
  return {
    saveKey: async (key) => run('saveKey', { id: key.id, workspace: key.workspace, createdAt: key.createdAt, record: JSON.stringify(key) }),
    keys: async () => recordsOf<Key>(await run('keys', undefined)),
    dueDeliveries: async (input) => (await run('dueDeliveries', input)).map(deliveryOf),
    saveDelivery: (delivery) => run('saveDelivery', delivery),
    deliveries: async (job) => (await run('deliveries', job)).map(deliveryOf),
    touchAsset: (input) => run('touchAsset', input),
    sweep: (input) => run('sweep', input),
    async document(name) {
      const value = await run('document', name);
      return value === null ? null : (JSON.parse(value) as unknown);
    },
    saveDocument: async ({ name, value, at }) => run('saveDocument', { name, value: JSON.stringify(value), at }),
  };
}

type PromptMethods = Pick<Store, 'jobOfPrompt' | 'unfinishedPrompts' | 'endedPrompts' | 'endsForClient' | 'forgetPrompts'>;

function promptMethods({ run }: Executor): PromptMethods {
  return {
    async jobOfPrompt(input) {
      const row = await run('jobOfPrompt', { ...scopeRow(input), promptId: input.promptId });
      return row && { ...promptOf(row), listed: row.listed === 1 };
    },
    unfinishedPrompts: async (scope) => (await run('unfinishedPrompts', scopeRow(scope))).map(jobOf),
    endedPrompts: async ({ limit, offset, maxBytes, ...scope }) =>
      (await run('endedPrompts', { ...scopeRow(scope), limit, offset, maxBytes })).map(promptOf),
    endsForClient: async ({ clientId, from, to, ...scope }) =>
      (await run('endsForClient', { ...scopeRow(scope), clientId, from, to })).map(promptOf),
    forgetPrompts: async ({ promptIds, ...scope }) => run('forgetPrompts', { ...scopeRow(scope), promptIds: promptIds && [...promptIds] }),
  };
}

const scopeRow = ({ caller, deployment, environment }: PromptScope): ScopeRow => ({
  deployment,
  environment,
  caller: caller && callerRow(caller),
});

type FileMethods = Pick<Store, 'nameOutputs' | 'nameUpload' | 'namedFile' | 'fileNames'>;

function fileMethods({ run }: Executor): FileMethods {
  return {
    nameOutputs: async ({ caller, job, at, outputs }) =>
      (await run('nameOutputs', { ...callerRow(caller), job, at, outputs: [...outputs] })).map(namedFileOf),
    nameUpload: async ({ caller, file, overwrite, at }) =>
      namedFileOf(await run('nameUpload', { ...callerRow(caller), ...file, overwrite, at })),
    async namedFile({ caller, type, subfolder, filename }) {
      const row = await run('namedFile', { ...(caller && callerRow(caller)), type, subfolder, filename });
      return row && namedFileOf(row);
    },
    fileNames: ({ caller, type, subfolder, newestFirst = false }) =>
      run('fileNames', { ...callerRow(caller), type, subfolder, newestFirst }),
  };
}
