import type { FleetBusEvent } from '../../bus/events.ts';
import type { Deployments } from '../../deployments/deployments.ts';
import type { Clock } from '../../fleet/clock.ts';
import type { ContainerRecord } from '../../fleet/container.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { ToldJob, JobEvent } from '../../jobs/job.ts';
import { CostWindow } from './cost-window.ts';
import type { OverviewDocument } from './document.ts';
import { exampleOf } from './example.ts';
import { JobWindow } from './job-window.ts';
import { LifeLines } from './life-lines.ts';
import { LiveEvents } from './live-events.ts';
import { Starts } from './starts.ts';
import { buildDocument, type DocumentInput } from './build-document.ts';

export interface OverviewOptions extends Pick<DocumentInput, 'slots' | 'priceOf' | 'profile' | 'comfyuiPage'> {
  readonly clock: Clock;
  /** The store's, see its port. */
  readonly storeTrouble: () => string | null;
}

/** What the dashboard's first page shows, kept up to date by the fleet's events. Memory is bounded; nothing runs by itself. */
export interface Overview {
  /** Takes an event of the bus's topic `fleet`. */
  observe(event: FleetBusEvent): void;
  /** The document of this moment. */
  snapshot(fleet: Fleet, deployments: Deployments): OverviewDocument;
  /** Changes when the document does: an ETag. Costs nothing, so it can be compared before a snapshot is made. */
  tag(): string;
}

/** While jobs or containers are about, waits and costs grow without events: the document then changes this often. */
const movingMs = 2_000;
const quietMs = 30_000;

export const createOverview = (options: OverviewOptions): Overview => new FleetOverview(options);

class FleetOverview implements Overview {
  readonly #options: OverviewOptions;
  readonly #costs = new CostWindow();
  readonly #lines: LifeLines;
  readonly #jobs = new JobWindow();
  readonly #events = new LiveEvents();
  readonly #starts = new Starts();
  readonly #since: number;
  #version = 0;

  constructor(options: OverviewOptions) {
    this.#options = options;
    this.#since = options.clock.now();
    this.#lines = new LifeLines(options.slots, (stretch) => this.#costs.add(stretch));
  }

  observe(event: FleetBusEvent): void {
    this.#version++;
    const now = this.#options.clock.now();
    switch (event.kind) {
      case 'container':
        return this.#container(event.container, event.inFlight, now);
      case 'job':
        return this.#job(event.job, event.change, now);
      case 'decision':
        return this.#events.decision(event.decision);
      case 'deployment':
        return this.#events.deployment(event.deployment, event.before, now);
    }
  }

  snapshot(fleet: Fleet, deployments: Deployments): OverviewDocument {
    const { clock, storeTrouble, ...options } = this.#options;
    const now = clock.now();
    // Containers that were adopted before anyone listened.
    for (const record of fleet.containers()) {
      if (!this.#lines.has(record.id)) this.#lines.container(record, record.state === 'busy' ? 1 : 0, now);
    }
    return buildDocument({
      ...options,
      storeTrouble: storeTrouble(),
      now,
      since: this.#since,
      fleet,
      deployments: deployments.list(),
      lines: this.#lines,
      jobs: this.#jobs,
      costs: this.#costs,
      events: this.#events,
      starts: this.#starts,
      example: exampleOf(deployments),
    });
  }

  tag(): string {
    const every = this.#lines.living > 0 || this.#jobs.waiting > 0 ? movingMs : quietMs;
    const well = this.#options.storeTrouble() === null ? '' : '-store';
    return `${this.#version}-${Math.floor(this.#options.clock.now() / every)}${well}`;
  }

  #container(record: ContainerRecord, inFlight: number, now: number): void {
    const before = this.#lines.container(record, inFlight, now);
    this.#starts.container(record, before, now);
    this.#events.container(record, before, now);
  }

  #job(job: ToldJob, change: JobEvent['type'], now: number): void {
    switch (change) {
      case 'queued':
      case 'requeued':
        return this.#jobs.queued(job, now);
      case 'cancel_requested':
        return;
      case 'started':
        this.#jobs.started(job, now);
        if (job.container !== null) this.#lines.jobStarted(job.container, job.id);
        return this.#events.jobStarted(job, now);
      default:
        this.#jobs.finished(job, now);
        this.#lines.jobFinished(job, now);
        return this.#events.jobFinished(job, now);
    }
  }
}
