import type { ScalingSettings } from '../fleet/scaling/settings.ts';
import type { Workflow } from './workflow.ts';

/** What a deployment serves. Immutable but for its share of the traffic. */
export interface Revision {
  readonly id: string;
  readonly deployment: string;
  readonly environment: string;
  readonly workspace: string;
  readonly workflow: Workflow;
  /** What its containers are made from; `local` until releases are built. */
  readonly release: string;
  readonly createdAt: number;
}

/** A named, running offer of one workflow in one environment. */
export interface Deployment {
  readonly name: string;
  readonly environment: string;
  readonly workspace: string;
  /** Serves `POST /`. Exactly one deployment of the production environment has it. */
  readonly default: boolean;
  /** The revision that gets the traffic. */
  readonly revision: string;
  readonly scaling: ScalingSettings;
  /** A running attempt is stopped after so many milliseconds; `failed` with code `timeout`. */
  readonly executionTimeoutMs: number;
  /** Why jobs of it cannot run now, found by checking it against the containers' definitions; empty when all is well. */
  readonly problems: readonly DeploymentProblem[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface DeploymentProblem {
  readonly code: 'unknown_node' | 'missing_file' | 'invalid_graph';
  readonly node: string;
  /** A sentence: what is missing, where it was looked for, what to do. */
  readonly message: string;
}
