/** One job of a trace. */
export interface TraceJob {
  /** Milliseconds from the start of the trace. */
  readonly arrivalMs: number;
  /** Milliseconds on the GPU, its models loaded. */
  readonly serviceMs: number;
  /** Models that it needs; jobs with the same share them. Empty: all jobs need the same. */
  readonly model: string;
  /** Whose it is; containers are shared out between users fairly. Null: nobody says. */
  readonly user: string | null;
  /** Jobs of a workflow take about as long. Empty: all are of one. */
  readonly workflow: string;
}

/** Recorded or generated arrivals, in their order. */
export interface Trace {
  readonly name: string;
  readonly jobs: readonly TraceJob[];
}
