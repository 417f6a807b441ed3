import type { WorkloadName } from './shapes.ts';

/** Workloads that the server draws, in the groups in which the reference describes them. */
const groupOf = {
  steady: 'suite',
  diurnal: 'suite',
  bursty: 'suite',
  sparse: 'suite',
  diffusion: 'suite',
  gentd26: 'published',
  'gentd26-busy': 'published',
  'azure-functions': 'published',
  'azure-code': 'published',
  'azure-conversation': 'published',
  weekly: 'published',
  burstgpt: 'published',
  servegen: 'published',
  'flash-crowd': 'adversarial',
  'square-wave': 'adversarial',
  'ski-rental': 'adversarial',
  'all-distinct-models': 'adversarial',
  stragglers: 'adversarial',
  crashes: 'adversarial',
  'failed-starts': 'adversarial',
  tenants: 'held-out',
  checkpoints: 'held-out',
  office: 'held-out',
  launch: 'held-out',
  video: 'held-out',
  // The compiler sees that these are exactly those of the server.
} as const satisfies Record<WorkloadName, string>;

export const workloadGroups: ReadonlyMap<string, readonly WorkloadName[]> = Map.groupBy(
  Object.keys(groupOf) as WorkloadName[],
  (name) => groupOf[name],
);
