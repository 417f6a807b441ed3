import fc from 'fast-check';
import type { JobState } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import { outputOf, requestOf, resultOf, t0 } from './store-samples.ts';

/** One step of a random history: told to a store, it answers something that can be compared. */
export type Step = { name: string; run: (store: Store, at: number) => Promise<unknown> };

const id = fc.constantFrom('a', 'b', 'c', 'd');
const token = fc.integer({ min: 0, max: 4 });
const state = fc.constantFrom<JobState>('queued', 'running', 'succeeded', 'failed', 'canceled', 'expired');
const step = (name: string, run: Step['run']): Step => ({ name, run });

const submit = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    deployment: fc.constantFrom('one', 'two'),
    key: fc.constantFrom(null, 'k1'),
    webhook: fc.constantFrom(null, 'https://example.org'),
    idempotency: fc.option(fc.record({ key: fc.constantFrom('x', 'y'), bodyHash: fc.constantFrom('1', '2') })),
  })
  .map(({ id, ...change }) =>
    step(`submit ${id} ${JSON.stringify(change)}`, (store, at) => store.submit({ id, at, request: requestOf(change) })),
  );

const start = id.map((job) =>
  step(`start ${job}`, (store, at) => store.startAttempt({ job, container: 'c', epoch: 1, at, coldMs: 1, reason: 'r' })),
);

const finish = fc
  .tuple(id, token, fc.constantFrom('succeeded', 'failed', 'canceled', 'expired'))
  .map(([job, token, state]) =>
    step(`finish ${job} ${token} ${state}`, (store, at) =>
      store.finishAttempt(resultOf(job, token, { at, state: state as 'failed', outputs: [outputOf(`blake3:${job}`)] })),
    ),
  );

const lose = fc
  .tuple(id, token, fc.boolean())
  .map(([job, token, counted]) =>
    step(`lose ${job} ${token} ${String(counted)}`, (store, at) => store.loseAttempt({ job, token, at, reason: 'gone', counted })),
  );

const cancel = id.map((job) => step(`cancel ${job}`, (store, at) => store.requestCancel({ job, at })));

const end = id.map((job) => step(`end ${job}`, (store, at) => store.endQueued({ job, state: 'expired', at, error: null })));

const sweep = fc
  .integer({ min: 0, max: 30 })
  .map((age) =>
    step(`sweep ${age}`, (store, at) =>
      store.sweep({ at, jobsBefore: at - age * 2, outputsBefore: at - age, uploadsBefore: at - age, limit: 2 }),
    ),
  );

const read = fc
  .record({ job: id, deployment: fc.constantFrom('one', 'two'), state })
  .map(({ job, deployment, state }) =>
    step(`read ${job} ${deployment} ${state}`, async (store, at) => [
      await store.job(job),
      await store.attempts(job),
      await store.jobEvents({ job, after: 0 }),
      await store.deliveries(job),
      await store.dueDeliveries({ at, limit: 3 }),
      await store.jobs({ deployment, state, limit: 2 }),
      await store.unfinishedJobs(),
    ]),
  );

/** Histories of jobs, with stale tokens, repeated ids and keys. */
export const histories = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: submit },
    { weight: 4, arbitrary: start },
    { weight: 3, arbitrary: finish },
    { weight: 3, arbitrary: lose },
    { weight: 1, arbitrary: cancel },
    { weight: 1, arbitrary: end },
    { weight: 1, arbitrary: sweep },
    { weight: 1, arbitrary: read },
  ),
  { minLength: 20, maxLength: 60 },
);

/** Runs a history; each answer in order, an error as its code. */
export async function play(store: Store, steps: readonly Step[]): Promise<[string, unknown][]> {
  const answers: [string, unknown][] = [];
  for (const [index, { name, run }] of steps.entries()) {
    const answer = await run(store, t0 + index).catch((error: { code?: string }) => `error ${String(error.code)}`);
    answers.push([name, answer]);
  }
  return answers;
}

/** What must hold of every job, whatever happened: read from the store alone. */
export async function brokenPromises(store: Store): Promise<string[]> {
  const broken: string[] = [];
  const { items } = await store.jobs({ limit: 100 });
  for (const job of items) {
    const final = job.state !== 'queued' && job.state !== 'running';
    const events = await store.jobEvents({ job: job.id, after: 0 });
    const attempts = await store.attempts(job.id);
    const claim = (holds: boolean, what: string) => void (holds || broken.push(`${job.id}: ${what}`));
    claim(
      events.every(({ seq }, index) => seq === index + 1),
      'events are numbered from 1',
    );
    claim(events.filter(({ type }) => type === job.state).length === (job.state === 'queued' ? 1 : final ? 1 : 0), 'one final event');
    claim((job.finishedAt !== null) === final, 'finishedAt stands for a final state');
    claim((job.timing !== null) === final, 'timing stands for a final state');
    claim(attempts.length === job.attempts && job.token === job.attempts, 'every attempt is kept');
    claim(attempts.filter(({ outcome }) => outcome === 'running').length === (job.state === 'running' ? 1 : 0), 'one running attempt');
    claim(attempts.filter(({ outcome }) => outcome === 'lost').length === job.lostContainers, 'lost ones are counted');
    claim(job.lostContainers < 3 || final, 'the third lost container ends it');
    claim((await store.deliveries(job.id)).length === (final && job.webhook !== null ? 1 : 0), 'one delivery when final');
  }
  return broken;
}
