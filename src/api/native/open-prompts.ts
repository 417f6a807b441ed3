import { fleetTopic, type FleetBusEvent } from '../../bus/events.ts';
import { isFinal, type ToldJob } from '../../jobs/job.ts';
import type { PromptScope } from '../../store/store.ts';
import type { ApiContext } from '../context.ts';

/** Whose prompts a place is about, as one text: of one caller, or (without `caller`) of all of a deployment. */
export const placeOf = ({ deployment, environment, caller }: PromptScope): string =>
  JSON.stringify(caller ? [deployment, environment, caller.workspace, caller.key] : [deployment, environment]);

/** The place of a job's own caller, and the one where admins look. */
export function placesOf({ deployment, environment, workspace, key }: ToldJob): { own: string; all: string } {
  const scope = { deployment, environment };
  return { own: placeOf({ ...scope, caller: { workspace, key } }), all: placeOf({ ...scope, caller: null }) };
}

/** How many prompts wait or run, kept in memory: each of many sockets wants to know it at each change. The store has the truth. */
export class OpenPrompts {
  /** Settles when those of before this process are counted. */
  readonly loaded: Promise<void>;
  readonly #open = new Set<string>();
  readonly #counts = new Map<string, number>();
  /** Ended while those of before were still being read. */
  #ended: Set<string> | null = new Set();

  constructor({ bus, store, logger }: ApiContext) {
    bus.subscribe(fleetTopic, ({ data }) => {
      const event = data as FleetBusEvent;
      if (event.kind !== 'job' || !event.job.prompt) return;
      if (isFinal(event.job.state)) this.#remove(event.job);
      else this.#add(event.job);
    });
    this.loaded = store
      .unfinishedJobs()
      .then((jobs) => {
        for (const { job } of jobs) if (job.prompt && !this.#ended?.has(job.id)) this.#add(job);
        this.#ended = null;
      })
      .catch((error: unknown) => logger.warn({ event: 'prompts_unknown', component: 'api', error }, 'open prompts could not be counted'));
  }

  count(scope: PromptScope): number {
    return this.#counts.get(placeOf(scope)) ?? 0;
  }

  #add(job: ToldJob): void {
    if (this.#open.has(job.id)) return;
    this.#open.add(job.id);
    this.#change(job, 1);
  }

  #remove(job: ToldJob): void {
    this.#ended?.add(job.id);
    if (this.#open.delete(job.id)) this.#change(job, -1);
  }

  #change(job: ToldJob, by: 1 | -1): void {
    for (const place of Object.values(placesOf(job))) {
      const count = (this.#counts.get(place) ?? 0) + by;
      if (count === 0) this.#counts.delete(place);
      else this.#counts.set(place, count);
    }
  }
}
