import { Draw } from './random.ts';
import type { Trace, TraceJob } from './trace.ts';
import { adversarial } from './workloads/adversarial.ts';
import { heldOut } from './workloads/held-out.ts';
import { published } from './workloads/published.ts';
import { suite } from './workloads/suite.ts';
import type { Workload } from './workloads/workload.ts';

/** All workloads by name, in the groups in which people read of them. */
export const workloadGroups = { suite, published, adversarial, 'held-out': heldOut };

export const workloads = { ...suite, ...published, ...adversarial, ...heldOut };

export type WorkloadName = keyof typeof workloads;

/** The workload's trace for this seed: the same seed gives the same jobs. */
export function drawTrace(name: WorkloadName, seed: number): Trace {
  const { jobs, seconds }: Workload = workloads[name];
  const drawn = jobs(new Draw(seed), seconds).toSorted((a, b) => a.at - b.at);
  return {
    name,
    jobs: drawn.map(({ at, service, model = '', user = null, workflow = '' }): TraceJob => ({
      arrivalMs: Math.round(at * 1000),
      serviceMs: Math.max(1, Math.round(service * 1000)),
      model,
      user,
      workflow,
    })),
  };
}
