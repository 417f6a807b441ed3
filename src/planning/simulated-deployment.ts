import type { Deployment } from '../deployments/deployment.ts';
import type { ScalingSettings } from '../fleet/scaling/settings.ts';

/** The only deployment of a simulated fleet. */
export const simulatedDeployment = (scaling: ScalingSettings): Deployment => ({
  name: 'simulated',
  environment: 'production',
  workspace: 'local',
  default: true,
  revision: '',
  scaling,
  executionTimeoutMs: 0,
  problems: [],
  createdAt: 0,
  updatedAt: 0,
});
