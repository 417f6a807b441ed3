import type { Job, JobRequest } from './job.ts';

/** What dialects do with jobs. */
export interface Jobs {
  /**
   * The job that this Idempotency-Key made from the same body before; null: none. So a repeated request costs no binding. `submit` looks
   * once more, for those that come at the same time. Error: `idempotency_mismatch`.
   */
  earlier(request: Pick<JobRequest, 'workspace' | 'environment' | 'deployment' | 'key' | 'idempotency'>): Promise<Job | null>;
  /**
   * Stores the job durably, then hands it to the controller. `replay` says that the Idempotency-Key was known and this is the
   * earlier job. Errors: `idempotency_mismatch`, `store_failed`, `draining`, `over_budget`.
   */
  submit(request: JobRequest): Promise<{ job: Job; replay: boolean }>;
  /** The next number for a job's place in its caller's queue; rises with each call, also over restarts while jobs are queued. */
  takeNumber(): number;
  /** The job in its final state, or null when `timeoutMs` or the signal came first. Error: `unknown_job`. */
  wait(id: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Job | null>;
  /**
   * Cancels it in whatever state it is, or only while it is queued, or running: then it may come back untouched. The job after that.
   * Errors: `unknown_job`, `job_finished`.
   */
  cancel(id: string, only?: 'queued' | 'running'): Promise<Job>;
  /** The job as it is now, from the store. Error: `unknown_job`. */
  get(id: string): Promise<Job>;
}
