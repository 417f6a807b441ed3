import { createHash } from 'node:crypto';
import type { Clock, Random } from '../fleet/clock.ts';
import type { TraceJob } from '../planning/trace.ts';
import type { Arrival, ArrivalWindow, Store } from '../store/store.ts';

/** A job that came to a deployment, as a trace has it and as the store has it. */
export interface RecordedJob {
  readonly job: TraceJob;
  readonly arrival: Arrival;
}

/** Says who a key is without saying which: the same name for the same key, in this installation only. */
export type Pseudonym = (key: string | null) => string | null;

/** Rows that are read at once. */
const pageSize = 1_000;

/**
 * The jobs of a window in the order in which they came; milliseconds from its start. Service times are what the store has of the GPU time.
 * A job of which that is not known, mostly since it never ran, gets the mean of its workflow class in the window, else that of all jobs,
 * else `guessMs`. Only a page of them is in memory. Rejects at the first job if the store does.
 */
export async function* recordedJobs(
  store: Pick<Store, 'arrivals' | 'gpuTimes'>,
  window: ArrivalWindow,
  { guessMs, pseudonym }: { guessMs: number; pseudonym: Pseudonym },
): AsyncGenerator<RecordedJob> {
  const meanMs = meansBy(await store.gpuTimes(window), guessMs);
  let after: Arrival['place'] | null = null;
  for (;;) {
    const page: Arrival[] = await store.arrivals({ ...window, after, limit: pageSize });
    for (const arrival of page) {
      const { at, gpuMs, modelKey, key, workflow } = arrival;
      const arrivalMs = Math.round(at - window.from);
      const serviceMs = Math.round(gpuMs ?? meanMs(workflow));
      yield { arrival, job: { arrivalMs, serviceMs, model: modelKey, user: pseudonym(key), workflow } };
    }
    const last = page.at(-1);
    if (!last || page.length < pageSize) return;
    after = last.place;
  }
}

function meansBy(times: Awaited<ReturnType<Store['gpuTimes']>>, guessMs: number): (workflow: string) => number {
  const known = new Map(times.map(({ workflow, meanMs }) => [workflow, meanMs]));
  const jobs = times.reduce((sum, one) => sum + one.jobs, 0);
  const overall = jobs === 0 ? guessMs : times.reduce((sum, one) => sum + one.jobs * one.meanMs, 0) / jobs;
  return (workflow) => known.get(workflow) ?? overall;
}

const saltDocument = 'trace_salt';

/** The pseudonyms of this installation. Their salt is made when it is first wanted and kept, so that traces of different days fit together. */
export async function openPseudonym(
  store: Pick<Store, 'document' | 'saveDocument'>,
  { random, clock }: { random: Random; clock: Clock },
): Promise<Pseudonym> {
  let salt = await store.document(saltDocument);
  if (typeof salt !== 'string') {
    salt = random.id() + random.id();
    await store.saveDocument({ name: saltDocument, value: salt, at: clock.now() });
  }
  const known = new Map<string, string>();
  return (key) => {
    if (key === null) return null;
    const name =
      known.get(key) ??
      `user-${createHash('sha256')
        .update(`${String(salt)} ${key}`)
        .digest('hex')
        .slice(0, 12)}`;
    known.set(key, name);
    return name;
  };
}
