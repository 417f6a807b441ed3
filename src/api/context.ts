import type { Logger } from 'pino';
import type { Assets } from '../assets/assets.ts';
import type { Bus } from '../bus/bus.ts';
import type { Graph, Json, NodeDefinitions } from '../comfyui/protocol.ts';
import type { InputFile, PromptRunner } from '../comfyui/runner.ts';
import type { Config } from '../config/schema.ts';
import type { Deployments } from '../deployments/deployments.ts';
import type { Workflow } from '../deployments/workflow.ts';
import type { Clock, Random } from '../fleet/clock.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { StageFile } from '../outbound/stage-file.ts';
import type { Webhooks } from '../outbound/webhooks.ts';
import type { LogLine } from '../runtimes/runtime.ts';
import type { Store } from '../store/store.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { OverviewDocument } from '../telemetry/overview/document.ts';
import type { Keys } from '../workspaces/keys.ts';
import type { PageSessions } from './page/sessions.ts';

/** What a container needs for one job, made from what a client sent. */
export interface BoundWorkflow {
  /** Inputs as they were resolved, the drawn seed included; null for a client's own graph. */
  readonly inputs: Readonly<Record<string, Json>> | null;
  readonly graph: Graph;
  readonly files: readonly InputFile[];
  readonly outputNodes: readonly string[];
  readonly modelKey: string;
}

/** From what clients send to graphs that run. */
export interface WorkflowBinder {
  /** Puts named inputs into the workflow's graph. Errors: `invalid_input`, and those of `stageFile`. */
  bind(workflow: Workflow, values: Readonly<Record<string, unknown>>): Promise<BoundWorkflow>;
  /**
   * Checks a client's own graph, against `definitions` when there are any. Errors: `invalid_graph`, `ui_workflow`, `unknown_node`,
   * `missing_file`.
   */
  readGraph(graph: unknown, definitions: NodeDefinitions | null): BoundWorkflow;
  /** A workflow from a graph alone: its inputs and outputs are inferred. Errors: `invalid_graph`, `ui_workflow`. */
  readWorkflow(graph: unknown): Promise<Workflow>;
}

/** The page as it stands: a folder with index.html, being built, or not to be had. */
export type DashboardPage =
  | { readonly state: 'ready'; readonly folder: string }
  | { readonly state: 'building' }
  | { readonly state: 'failed'; readonly reason: string };

/** Everything that the HTTP API depends on. */
export interface ApiContext {
  readonly version: string;
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly store: Store;
  readonly assets: Assets;
  readonly bus: Bus;
  readonly jobs: Jobs;
  readonly deployments: Deployments;
  readonly fleet: Fleet;
  /** Hands requests to containers. */
  readonly containers: Pick<PromptRunner, 'pass'>;
  readonly keys: Keys;
  readonly binder: WorkflowBinder;
  readonly stageFile: StageFile;
  readonly webhooks: Pick<Webhooks, 'replay' | 'secret'>;
  readonly metrics: Pick<Metrics, 'contentType' | 'text' | 'httpStarted' | 'httpFinished' | 'jobRejected'>;
  readonly overview: () => OverviewDocument;
  /** Changes when the overview does. */
  readonly overviewTag: () => string;
  /** A container's log; `Runtime.logs`. */
  readonly logs: (id: string, options: { follow: boolean; signal: AbortSignal }) => AsyncIterable<LogLine>;
  readonly dashboard: () => DashboardPage;
  /** ComfyUI's own page; null: it is not served. The port is known once it listens. */
  readonly page: { readonly sessions: PageSessions; readonly port: () => number } | null;
  /** True from the moment the gateway was asked to stop: no new jobs. */
  readonly draining: () => boolean;
  readonly limits?: Partial<ApiLimits>;
}

/** Bytes and milliseconds. */
export interface ApiLimits {
  /** A JSON or form body; larger things are uploads. */
  readonly bodyBytes: number;
  readonly uploadBytes: number;
  readonly headersMs: number;
  /** A JSON or form body must have arrived after so long. */
  readonly bodyMs: number;
  /** Any request must have arrived after so long. */
  readonly requestMs: number;
  /** A sign of life on streams that have nothing to say. */
  readonly heartbeatMs: number;
  /** A stream whose reader is so many bytes behind is closed; it resumes where it was. */
  readonly streamBacklogBytes: number;
}

export const defaultLimits: ApiLimits = {
  bodyBytes: 10 * 1024 * 1024,
  uploadBytes: 1024 * 1024 * 1024,
  headersMs: 15_000,
  bodyMs: 30_000,
  requestMs: 300_000,
  heartbeatMs: 15_000,
  streamBacklogBytes: 4 * 1024 * 1024,
};
