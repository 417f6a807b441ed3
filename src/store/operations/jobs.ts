import type { DatabaseSync } from 'node:sqlite';
import type { FinalState, JobError, JobEvent, Timing } from '../../jobs/job.ts';
import { change, one } from '../../sqlite/connection.ts';
import type { JobRow } from '../rows.ts';
import { concludePrompt } from './prompts.ts';

/** What the changes of a job look at before they act. */
export interface JobHead {
  num: number;
  id: string;
  state: string;
  cancel_requested: number;
  created_at: number;
  attempts: number;
  lost_containers: number;
  token: number;
  webhook: string | null;
  source: string;
  events: number;
}

export function headOf(db: DatabaseSync, id: string): JobHead | undefined {
  return one(
    db,
    `SELECT num, id, state, cancel_requested, created_at, attempts, lost_containers, token, webhook, source, events FROM jobs WHERE id = ?`,
    id,
  ) as JobHead | undefined;
}

/** Start of every statement that reads whole jobs. */
export const selectJobs = 'SELECT j.*, c.content FROM jobs j JOIN job_contents c ON c.job = j.num';

export function readJob(db: DatabaseSync, id: string): JobRow | undefined {
  return one(db, `${selectJobs} WHERE j.id = ?`, id) as JobRow | undefined;
}

/** The job's next event. The statement that changes the job itself raises `events` by one. */
export function addEvent(db: DatabaseSync, head: JobHead, at: number, type: JobEvent['type'], data: JobEvent['data']): void {
  change(
    db,
    'INSERT INTO job_events (job, seq, at, type, data) VALUES (?, ?, ?, ?, ?)',
    head.num,
    head.events + 1,
    at,
    type,
    JSON.stringify(data),
  );
}

/** How a job ends; JSON is text already. */
export interface Ending {
  at: number;
  state: FinalState;
  outputs: string;
  error: string | null;
  code: string | null;
  timing: string;
  usage: string | null;
  gpuMs: number | null;
  /** Of a ComfyUI client's prompt. */
  history: string | null;
}

/** Writes a job's final state with its event and, when it has a webhook, the delivery: the only way into a final state. */
export function conclude(db: DatabaseSync, head: JobHead, ending: Ending): void {
  change(
    db,
    `UPDATE jobs SET state = ?, finished_at = ?, outputs = ?, outputs_kept = ?, error = ?, timing = ?, usage = ?, gpu_ms = ?,
       events = events + 1
     WHERE num = ?`,
    ending.state,
    ending.at,
    ending.outputs,
    ending.outputs === '[]' ? 0 : 1,
    ending.error,
    ending.timing,
    ending.usage,
    ending.gpuMs,
    head.num,
  );
  addEvent(db, head, ending.at, ending.state, ending.code === null ? {} : { code: ending.code });
  if (head.source === 'native') concludePrompt(db, head, ending);
  if (head.webhook === null) return;
  change(
    db,
    `INSERT INTO deliveries (id, job, url, event, state, tries, next_at, created_at) VALUES (?, ?, ?, ?, 'pending', 0, ?, ?)`,
    `msg_${head.id}`,
    head.id,
    head.webhook,
    `job.${ending.state}`,
    ending.at,
    ending.at,
  );
}

/** Ends a job that has no result of an attempt: its timing is what its attempts so far leave of the whole. */
export function concludeWithoutResult(
  db: DatabaseSync,
  head: JobHead,
  ending: { at: number; state: FinalState; error: JobError | null },
): void {
  const spent = one(
    db,
    'SELECT coalesce(sum(ended_at - started_at), 0) AS run, coalesce(sum(cold_ms), 0) AS cold FROM attempts WHERE job = ?',
    head.num,
  ) as { run: number; cold: number };
  const waited = Math.max(0, ending.at - head.created_at - spent.run);
  const cold = Math.min(spent.cold, waited);
  const timing: Timing = { queue: waited - cold, cold, run: spent.run, store: 0 };
  conclude(db, head, {
    at: ending.at,
    state: ending.state,
    outputs: '[]',
    error: ending.error && JSON.stringify(ending.error),
    code: ending.error && ending.error.code,
    timing: JSON.stringify(timing),
    usage: null,
    gpuMs: null,
    history: null,
  });
}
