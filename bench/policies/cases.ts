import { peers, type Candidate } from '../../src/planning/plan/candidates.ts';
import { workloads, type WorkloadName } from '../../src/planning/workloads.ts';
import type { Part, Workload } from '../../src/planning/workloads/workload.ts';

/** A workload and what a start takes in it. */
export interface Case {
  readonly workload: WorkloadName;
  readonly startSeconds: number;
}

/** Each case is drawn anew for each of these. */
export const seeds = [1, 2, 3, 4, 5] as const;

export const workloadOf = ({ workload }: Case): Workload => workloads[workload];

export const titleOf = ({ workload, startSeconds }: Case): string => `${workload} ${startSeconds} s`;

/** A part's workloads: those on which `slo` was developed with each of their starts, the others with the usual one. */
export function casesOf(part: Part): Case[] {
  return (Object.entries(workloads) as [WorkloadName, Workload][])
    .filter(([, workload]) => workload.part === part)
    .flatMap(([workload, { startSeconds }]) =>
      (part === 'in-sample' ? startSeconds : startSeconds.slice(0, 1)).map((seconds): Case => ({ workload, startSeconds: seconds })),
    );
}

/** The one that is measured: without any setting but the target. */
export const measured: Candidate = { policy: 'slo', settings: {} };

/** What others run as it comes; of Ray Serve also with the target that suits jobs which have a GPU for themselves. */
export const defaults: Readonly<Record<string, Candidate>> = {
  ...peers,
  'Ray Serve, target 1': { policy: 'ongoing', settings: { target_ongoing_requests: 1 } },
};

export const perInput = peers['Modal-like, one container per input'];
export const knative = peers.Knative;

/** A candidate as one writes it. */
export const written = ({ policy, settings }: Candidate): string =>
  [policy, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)].join(' ');
