import type { ScalingSettings } from '../fleet/scaling/settings.ts';
import type { NodeDefinitions } from '../comfyui/protocol.ts';
import type { Catalogue } from '../comfyui/runner.ts';
import type { Deployment, Revision } from './deployment.ts';
import type { Workflow } from './workflow.ts';

/** The deployments of this fleet; the store is behind it, memory in front. */
export interface Deployments {
  list(): readonly Deployment[];
  /** `name` null: the default deployment. Error: `unknown_deployment`. */
  get(name: string | null, environment?: string): Deployment;
  /** The revision that a deployment serves. */
  revision(deployment: Deployment): Revision;
  /** Creates the deployment or gives it a new revision. An equal workflow makes no new revision. Errors: those of reading a workflow. */
  deploy(input: {
    name: string;
    environment?: string;
    workflow: Workflow;
    default?: boolean;
    scaling?: Partial<ScalingSettings>;
    executionTimeoutMs?: number;
  }): Promise<Deployment>;
  /** Changes settings live. Errors: `unknown_deployment`, `invalid_parameter`. */
  scale(name: string, environment: string, change: Partial<ScalingSettings>): Promise<Deployment>;
  /** Node definitions that containers reported last; null before the first. */
  definitions(): NodeDefinitions | null;
  /** Takes new definitions and checks every deployment against them. */
  learnDefinitions(definitions: NodeDefinitions): Promise<void>;
  /** What containers reported last beside their nodes; null before the first. */
  catalogue(): Catalogue | null;
  learnCatalogue(catalogue: Catalogue): Promise<void>;
  /** Calls `listener` after each change of a deployment. */
  subscribe(listener: (deployment: Deployment) => void): () => void;
}
