/**
 * The overview document as it goes over the wire (`GET /fleet/v1/overview`): what the first page shows of the last ten minutes.
 * Times are epoch milliseconds, durations seconds (`_s`), shares 0 to 1. The page imports these types, so nothing else is imported here.
 */
export interface OverviewDocument {
  readonly as_of: number;
  /** Ten minutes, less when the gateway is younger; series may begin before it. */
  readonly window: { readonly from: number; readonly to: number };
  readonly verdict: Verdict;
  readonly slo: {
    /** Null: the deployments promise different latencies. */
    readonly latency_s: number | null;
    readonly p: number | null;
    readonly jobs: number;
    readonly late: number;
    readonly attainment: number | null;
    readonly series: readonly Point[];
  };
  readonly latency: {
    readonly p50: number | null;
    readonly p95: number | null;
    /** 95 % interval of p95; null with too few jobs for one. */
    readonly p95_ci: readonly [number, number] | null;
    readonly n: number;
    readonly series: readonly Point[];
  };
  readonly failed: { readonly jobs: number; readonly of: number; readonly top: string | null; readonly series: readonly Point[] };
  readonly queue: {
    readonly length: number;
    readonly oldest_wait_s: number | null;
    readonly longest_wait_s: number;
    readonly series: readonly Point[];
  };
  readonly containers: { readonly by_state: Readonly<Record<LineState, number>>; readonly on_gpu: number; readonly capacity: number };
  readonly cost: {
    /** Null: no price set. */
    readonly usd_per_min: number | null;
    readonly gpus: readonly GpuCount[];
    readonly formula: string;
    /** What the series counts: dollars per minute, or containers where no price is set. */
    readonly unit: 'usd_per_min' | 'containers';
    readonly usd_window: number | null;
    readonly series: readonly CostPoint[];
    readonly summary: string;
    readonly note: string;
  };
  readonly slots: readonly SlotRow[];
  readonly segments: readonly Segment[];
  /** Whole hosts, where there are too many slots to look at each (more than 60); else empty. */
  readonly hosts: readonly HostRow[];
  readonly jobs: {
    /** Jobs that this gateway has seen since it started. */
    readonly seen: number;
    /** Finished in the window; `items` are at most 2,000 of them: of more, the fastest and slowest of each column of time. */
    readonly n: number;
    readonly items: readonly JobDot[];
    readonly summary: string;
    readonly note: string;
  };
  readonly events: readonly LiveEvent[];
  readonly deployments: readonly DeploymentRow[];
  readonly runtime: {
    readonly name: 'emulated' | 'process' | 'remote';
    readonly emulated: boolean;
    /** Timing profile of emulated containers. */
    readonly profile: string | null;
    readonly ready: boolean;
    readonly note: string | null;
  };
  /** Path that leads to ComfyUI's own page; null: it is not served. */
  readonly comfyui_page: string | null;
  /** A request that the default deployment takes; null without one. */
  readonly example: { readonly path: string; readonly body: Readonly<Record<string, unknown>>; readonly file: string } | null;
}

export type Severity = 'good' | 'warn' | 'bad';

export interface Verdict {
  readonly code: VerdictCode;
  readonly severity: Severity;
  /** What is so, in one sentence. */
  readonly sentence: string;
  /** Why it is so, a sentence each. */
  readonly evidence: readonly string[];
  /** What it is not, a sentence each. */
  readonly ruled_out: readonly string[];
  readonly as_of: number;
}

export type VerdictCode =
  | 'flow/healthy'
  | 'flow/idle'
  | 'flow/not_ready'
  | 'flow/store_failed'
  | 'flow/cold_start_wave'
  | 'flow/at_max_containers'
  | 'flow/over_budget'
  | 'flow/gpu_quota'
  | 'flow/no_capacity'
  | 'flow/start_failures'
  | 'flow/dispatch_stall'
  | 'flow/arrival_surge'
  | 'exec/failures_up'
  | 'exec/out_of_memory'
  | 'exec/slower_than_promised';

/** What a container does, as the life lines draw it. `idle` is `ready` after a job. */
export type LineState = 'starting' | 'ready' | 'busy' | 'idle' | 'parked' | 'draining' | 'failed';

export interface Point {
  readonly t: number;
  /** Null: nothing to say about that moment. */
  readonly v: number | null;
}

export interface CostPoint {
  readonly t: number;
  readonly busy: number;
  readonly starting: number;
  readonly idle: number;
}

export interface GpuCount {
  readonly gpu: string | null;
  readonly count: number;
  readonly usd_per_hour: number | null;
}

export interface SlotRow {
  readonly id: string;
  readonly host: string;
  readonly device: string;
  readonly gpu: string | null;
  readonly container: string | null;
  readonly deployment: string | null;
  readonly state: LineState | 'free';
}

/** All slots of a host together: the shares of them that were busy, starting and idle. */
export interface HostRow {
  readonly host: string;
  readonly slots: number;
  readonly series: readonly CostPoint[];
}

export interface Segment {
  readonly slot: string;
  readonly container: string;
  readonly state: LineState;
  readonly from: number;
  readonly to: number;
  readonly job?: string;
  readonly reason?: string;
}

export interface JobDot {
  readonly id: string;
  readonly arrived_at: number;
  readonly total_s: number;
  readonly cold: boolean;
  readonly outcome: 'succeeded' | 'failed' | 'canceled' | 'expired';
}

export interface LiveEvent {
  readonly id: number;
  readonly t: number;
  readonly kind: LineState | 'scale' | 'deployment' | 'job_failed' | 'stopped';
  readonly subject: string;
  readonly sentence: string;
  readonly why: string | null;
}

export interface DeploymentRow {
  readonly name: string;
  readonly environment: string;
  readonly default: boolean;
  readonly state: 'serving' | 'ready' | 'starting' | 'scaled to zero' | 'waiting' | 'cannot run';
  readonly queued: number;
  readonly containers: number;
  readonly p95: number | null;
  readonly slo_s: number;
  readonly attainment: number | null;
  readonly cold_share: number | null;
  readonly failed_share: number | null;
  readonly usd_per_min: number | null;
  readonly usd_per_1000: number | null;
  /** The limit that holds it back by the name of its setting, or why it cannot run. */
  readonly held_by: string | null;
}
