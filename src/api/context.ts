import type { Logger } from 'pino';
import type { Assets } from '../assets/assets.ts';
import type { Bus } from '../bus/bus.ts';
import type { PromptRunner } from '../comfyui/runner.ts';
import type { Config } from '../config/schema.ts';
import type { Binder } from '../deployments/binder.ts';
import type { Deployment } from '../deployments/deployment.ts';
import type { Deployments } from '../deployments/deployments.ts';
import type { Clock, Random } from '../fleet/clock.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { LearntTimes } from '../fleet/learning/observations.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { StageFile } from '../outbound/stage-file.ts';
import type { Webhooks } from '../outbound/webhooks.ts';
import type { Plans } from '../plans/plans.ts';
import type { LogLine } from '../runtimes/runtime.ts';
import type { Shadow } from '../shadow/shadow.ts';
import type { Store } from '../store/store.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { OverviewDocument } from '../telemetry/overview/document.ts';
import type { Keys } from '../workspaces/keys.ts';
import type { PageSessions } from './page/sessions.ts';

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
  /** `Learner.learnNow`. */
  readonly learnNow: () => Promise<boolean>;
  /** `Learner.refresh`. */
  readonly refresh: () => Promise<void>;
  readonly keys: Keys;
  readonly binder: Binder;
  readonly stageFile: StageFile;
  readonly webhooks: Pick<Webhooks, 'replay' | 'secret'>;
  readonly metrics: Pick<Metrics, 'contentType' | 'text' | 'httpStarted' | 'httpFinished' | 'jobRejected'>;
  readonly overview: () => OverviewDocument;
  /** Changes when the overview does. */
  readonly overviewTag: () => string;
  readonly plans: Pick<Plans, 'start' | 'get' | 'remove'>;
  /** How long things take at a deployment, as the fleet has learnt; null: it has none of that name. */
  readonly learnt: (deployment: Deployment) => LearntTimes | null;
  readonly shadow: Pick<Shadow, 'view'>;
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
  /** A prompt of a ComfyUI client, whose graph may carry pictures as texts. Reading more at once would hold up everybody. */
  readonly promptBytes: number;
  /** All prompts together that are longer than `bodyBytes`, until they have ended. */
  readonly promptsBytes: number;
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
  promptBytes: 32 * 1024 * 1024,
  promptsBytes: 512 * 1024 * 1024,
  uploadBytes: 1024 * 1024 * 1024,
  headersMs: 15_000,
  bodyMs: 30_000,
  requestMs: 300_000,
  heartbeatMs: 15_000,
  streamBacklogBytes: 4 * 1024 * 1024,
};
