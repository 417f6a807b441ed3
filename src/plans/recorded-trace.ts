import type { Deployment } from '../deployments/deployment.ts';
import type { Job } from '../jobs/job.ts';
import type { Trace } from '../planning/trace.ts';
import type { Store } from '../store/store.ts';

/** The jobs that a deployment answered since then, as a trace that begins at `sinceMs`. */
export type RecordedTrace = (deployment: Deployment, sinceMs: number) => Promise<Trace>;

/** More are not read; then the trace begins later. */
const mostJobs = 50_000;
const pageSize = 1_000;

/** From the jobs in the store. What a job took is the time of its attempts, transfers included. */
export const recordedTrace =
  (store: Pick<Store, 'jobs'>): RecordedTrace =>
  async ({ name, environment }, sinceMs) => {
    const jobs: Job[] = [];
    for (let cursor: string | null = null; jobs.length < mostJobs;) {
      const page = await store.jobs({ deployment: name, state: 'succeeded', limit: pageSize, ...(cursor === null ? {} : { cursor }) });
      jobs.push(...page.items.filter((job) => job.environment === environment && job.createdAt >= sinceMs));
      const last = page.items.at(-1);
      cursor = page.next;
      if (cursor === null || !last || last.createdAt < sinceMs) break;
    }
    const sorted = jobs.toSorted((a, b) => a.createdAt - b.createdAt);
    return {
      name: `${name}@${environment}`,
      jobs: sorted.map(({ createdAt, timing, modelKey, key }) => ({
        arrivalMs: createdAt - sinceMs,
        serviceMs: timing?.run ?? 0,
        model: modelKey,
        user: key,
        workflow: '',
      })),
    };
  };
