import type { ContainerRecord, Slot } from '../../fleet/container.ts';
import type { ToldJob } from '../../jobs/job.ts';
import type { Stretch, Use } from './cost-window.ts';
import type { LineState, Segment, SlotRow } from './document.ts';
import { windowMs } from './window.ts';

/** So many segments are kept; beyond, the oldest go first. */
const maxSegments = 20_000;
/** Free slots are shown up to so many slots. */
const maxFreeShown = 40;

interface Lane extends Slot {
  readonly id: string;
  /** As the last container on it told. */
  gpu: string | null;
  container: string | null;
  /** When its last segment ended; -Infinity before the first. */
  usedAt: number;
}

interface OpenSegment {
  readonly state: LineState;
  readonly from: number;
  job?: string;
}

interface Line {
  record: ContainerRecord;
  readonly lane: Lane;
  /** Jobs on it, the latest started last. */
  readonly jobs: Set<string>;
  open: OpenSegment;
}

/** What a container is seen to do: the state, and `idle` for a ready one that has worked. */
export function lineState(record: ContainerRecord, inFlight: number): LineState | null {
  if (record.state === 'stopped') return null;
  if (record.state === 'busy' || record.state === 'ready') {
    if (inFlight > 0) return 'busy';
    return record.jobsDone > 0 ? 'idle' : 'ready';
  }
  return record.state;
}

/** The life lines of containers on their slots, from what happened; bounded to the window and to `maxSegments`. */
export class LifeLines {
  readonly #lanes = new Map<string, Lane>();
  readonly #lines = new Map<string, Line>();
  #closed: Segment[] = [];
  readonly #onStretch: (stretch: Stretch) => void;
  readonly #slots: readonly Slot[];

  constructor(slots: readonly Slot[], onStretch: (stretch: Stretch) => void) {
    this.#slots = slots;
    this.#onStretch = onStretch;
    if (slots.length <= maxFreeShown) for (const slot of slots) this.#addLane(slot);
  }

  /** A container changed at `now`; the answer is its state before (null: it is new). */
  container(record: ContainerRecord, inFlight: number, now: number): LineState | null {
    const state = lineState(record, inFlight);
    const known = this.#lines.get(record.id);
    if (!known) {
      if (state !== null && state !== 'failed') this.#begin(record, state, now);
      return null;
    }
    const before = known.open.state;
    known.record = record;
    known.lane.gpu = record.gpu;
    if (state === null || state === 'failed') this.#end(known, state, now);
    else if (state !== before) {
      this.#close(known, now);
      const job = state === 'busy' ? [...known.jobs].at(-1) : undefined;
      known.open = { state, from: now, ...(job === undefined ? {} : { job }) };
    }
    return before;
  }

  has(container: string): boolean {
    return this.#lines.has(container);
  }

  get living(): number {
    return this.#lines.size;
  }

  jobStarted(container: string, job: string): void {
    const line = this.#lines.get(container);
    if (!line) return;
    line.jobs.add(job);
    if (line.open.state === 'busy') line.open.job ??= job;
  }

  /** One block a job: a container that goes on with another job begins a new block. */
  jobFinished(job: ToldJob, now: number): void {
    const line = job.container === null ? undefined : this.#lines.get(job.container);
    if (!line?.jobs.delete(job.id) || line.open.job !== job.id) return;
    const next = [...line.jobs].at(-1);
    if (line.open.state !== 'busy' || next === undefined) return;
    this.#close(line, now);
    line.open = { state: 'busy', from: now, job: next };
  }

  /** Slots in the order of hosts, with what is on them now. */
  slots(now: number): SlotRow[] {
    const from = now - windowMs;
    const keepFree = this.#slots.length <= maxFreeShown;
    const shown = [...this.#lanes.values()].filter((lane) => keepFree || lane.container !== null || lane.usedAt > from);
    return shown
      .toSorted((a, b) => natural.compare(a.id, b.id))
      .map((lane) => {
        const line = lane.container === null ? undefined : this.#lines.get(lane.container);
        return {
          id: lane.id,
          host: lane.host,
          device: lane.device,
          gpu: lane.gpu,
          container: line ? line.record.id : null,
          deployment: line ? line.record.deployment : null,
          state: line ? line.open.state : 'free',
        };
      });
  }

  /** Segments that reach into the window, those that go on until `now` too, in the order of their ends. */
  segments(now: number): Segment[] {
    const from = now - windowMs;
    const all = this.#closed.filter((segment) => segment.to > from);
    for (const line of this.#lines.values()) all.push(segmentOf(line, now));
    return all;
  }

  /** The stretches of living containers that have not ended. */
  openStretches(now: number): Stretch[] {
    return [...this.#lines.values()].map((line) => stretchOf(line, now));
  }

  #begin(record: ContainerRecord, state: LineState, now: number): void {
    const lane = this.#laneFor(record);
    lane.container = record.id;
    const line: Line = { record, lane, jobs: new Set(), open: { state, from: state === 'starting' ? record.startedAt : now } };
    // Seen for the first time after its start (the gateway came back): its earlier life is known in outline.
    if (state !== 'starting' && record.readyAt !== null && record.readyAt < now) {
      line.open = { state: 'starting', from: record.startedAt };
      this.#close(line, record.readyAt);
      line.open = { state, from: record.readyAt };
    }
    this.#lines.set(record.id, line);
  }

  #end(line: Line, state: 'failed' | null, now: number): void {
    this.#close(line, now);
    const reason = line.record.failure?.message;
    if (state === 'failed') this.#push({ ...segmentOf(line, now), from: now, state, ...(reason === undefined ? {} : { reason }) });
    line.lane.container = null;
    line.lane.usedAt = now;
    this.#lines.delete(line.record.id);
  }

  #close(line: Line, now: number): void {
    if (now <= line.open.from) return;
    this.#push(segmentOf(line, now));
    this.#onStretch(stretchOf(line, now));
  }

  #push(segment: Segment): void {
    this.#closed.push(segment);
    if (this.#closed.length <= maxSegments) return;
    const from = segment.to - windowMs;
    this.#closed = this.#closed.filter((old) => old.to > from).slice(-Math.floor(maxSegments * 0.8));
    for (const [id, lane] of this.#lanes) {
      if (this.#slots.length > maxFreeShown && lane.container === null && lane.usedAt < from) this.#lanes.delete(id);
    }
  }

  /** The first lane of the container's place where no other container lives. */
  #laneFor(record: ContainerRecord): Lane {
    for (let number = 0; ; number++) {
      const lane = this.#lanes.get(laneId(record, number));
      if (lane === undefined) return this.#addLane(record);
      if (lane.container === null) return lane;
    }
  }

  #addLane({ host, device, gpu, share }: Slot): Lane {
    let number = 0;
    while (this.#lanes.has(laneId({ host, device }, number))) number++;
    const lane: Lane = { id: laneId({ host, device }, number), host, device, gpu, share, container: null, usedAt: -Infinity };
    this.#lanes.set(lane.id, lane);
    return lane;
  }
}

const natural = new Intl.Collator('en', { numeric: true });

/** Several containers can share one device: the second one's lane is `host/gpu0#2`. */
const laneId = (slot: Pick<Slot, 'host' | 'device'>, number: number): string =>
  `${slot.host}/${slot.device}${number === 0 ? '' : `#${number + 1}`}`;

/** What a container in this state costs its time for. */
export const useOf = (state: LineState): Use =>
  state === 'starting' ? 'starting' : state === 'busy' || state === 'draining' ? 'busy' : 'idle';

function segmentOf(line: Line, to: number): Segment {
  const { state, from, job } = line.open;
  return { slot: line.lane.id, container: line.record.id, state, from, to, ...(job === undefined ? {} : { job }) };
}

function stretchOf(line: Line, to: number): Stretch {
  const { deployment, usdPerHour, share } = line.record;
  const { state, from } = line.open;
  return { deployment, use: useOf(state), from, to, usdPerHour: usdPerHour === null ? null : usdPerHour * share };
}
