import { arrivalFromEnd, arrivals, gpuTimes } from './operations/arrivals.ts';
import { touchAsset } from './operations/assets.ts';
import { endQueued, finishAttempt, loseAttempt, requestCancel, startAttempt } from './operations/attempts.ts';
import { containers, containersWithin, saveContainer } from './operations/containers.ts';
import { decisions, recordDecision } from './operations/decisions.ts';
import { deliveries, dueDeliveries, saveDelivery } from './operations/deliveries.ts';
import { deployments, revision, saveDeployment } from './operations/deployments.ts';
import { document, saveDocument } from './operations/documents.ts';
import { fileNames, namedFile, nameOutputs, nameUpload } from './operations/files.ts';
import { keys, saveKey } from './operations/keys.ts';
import { acquireLease } from './operations/lease.ts';
import { endedPrompts, endsForClient, forgetPrompts, jobOfPrompt, unfinishedPrompts } from './operations/prompts.ts';
import { attempts, job, jobEvents, jobs, unfinishedJobs } from './operations/queries.ts';
import { earlierSubmission, submit } from './operations/submit.ts';
import { sweep } from './operations/sweep.ts';

/** Operations that change something: each is synchronous and whole, and runs inside a transaction of its batch. */
export const writes = {
  submit,
  startAttempt,
  finishAttempt,
  loseAttempt,
  endQueued,
  requestCancel,
  saveDeployment,
  saveContainer,
  recordDecision,
  saveKey,
  acquireLease,
  saveDelivery,
  touchAsset,
  sweep,
  forgetPrompts,
  nameOutputs,
  nameUpload,
  saveDocument,
};

/** Operations that only read: one statement each, so that each sees one state of the database. */
export const reads = {
  earlierSubmission,
  job,
  jobs,
  unfinishedJobs,
  attempts,
  jobEvents,
  arrivals,
  gpuTimes,
  arrivalFromEnd,
  deployments,
  revision,
  containers,
  containersWithin,
  decisions,
  keys,
  dueDeliveries,
  deliveries,
  jobOfPrompt,
  unfinishedPrompts,
  endedPrompts,
  endsForClient,
  namedFile,
  fileNames,
  document,
};

export const operations = { ...writes, ...reads };

export type Operations = typeof operations;
export type OperationName = keyof Operations;
/** What an operation takes beside the connection; undefined when nothing. */
export type OperationInput<Name extends OperationName> = Parameters<Operations[Name]>[1];
export type OperationResult<Name extends OperationName> = ReturnType<Operations[Name]>;

/** Where operations run: in this thread on memory, or in workers on a file. */
export interface Executor {
  readonly run: <Name extends OperationName>(name: Name, input: OperationInput<Name>) => Promise<OperationResult<Name>>;
  /** Settles when everything that was begun has settled and the database is closed. */
  close(): Promise<void>;
}
