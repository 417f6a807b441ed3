import { Heap } from './heap.ts';

/** What the dispatcher needs to know of a queued job. */
export interface QueuedJob {
  /** UUIDv7: sorts by age. */
  readonly id: string;
  readonly priority: number;
  /** Place inside its key: smaller first. */
  readonly number: number;
  /** Id of the caller's key; null without keys. */
  readonly key: string | null;
  readonly modelKey: string;
  readonly createdAt: number;
  /** From when to when it goes behind the others of its priority, since it can no longer meet its latency target; null: never. */
  readonly behind: { readonly from: number; readonly to: number } | null;
}

/** What decides which key is served. */
interface Claim {
  /** GPU-seconds that this key has received, on the queue's own scale. */
  readonly received: number;
  /** The first of its jobs. */
  readonly job: QueuedJob;
}

interface Share extends Claim {
  readonly jobs: Heap<QueuedJob>;
  received: number;
  job: QueuedJob;
}

/** Keys with jobs of one priority, those behind or the others, in the two orders in which they may be served. */
interface Level {
  readonly fair: Heap<Share>;
  readonly urgent: Heap<Share>;
}

/** Jobs of a key that are still to come, as if those before them had been taken. */
interface Turn extends Claim {
  readonly rest: Iterator<QueuedJob, void>;
}

/**
 * Queued jobs of one deployment: the highest priority first; inside a priority the key that has received the fewest predicted
 * GPU-seconds, ties by the age of its first job; inside a key by number, then by age: numbers are counted, but ComfyUI clients may choose
 * theirs. A key that comes back after a pause starts level with those who stayed: it cannot save up a claim (start-time fair queueing).
 * Jobs with a latency target that they can no longer meet go behind the others of their priority, since a place given to one of them makes
 * one more late; but only for a time, so that none waits for ever. While there are none of them, GPU time is not scarce: then the key comes
 * first whose first job must begin soonest, so that containers which suffice for all jobs in that order do. Every operation is O(log n).
 */
export class JobQueue {
  /** By priority and, inside it, those behind and the others. */
  readonly #levels = new Map<number, Level>();
  readonly #shares = new Map<string, Share>();
  readonly #jobs = new Map<string, QueuedJob>();
  readonly #oldest = new Heap<QueuedJob>((a, b) => a.id < b.id);
  /** Numbers of the levels in use, the first to be served first. */
  #order: number[] = [];
  /** Jobs that go behind or come back from there, by when they do. */
  readonly #turns = new Heap<QueuedJob>((a, b) => this.#turnOf(a) < this.#turnOf(b));
  readonly #behind = new Set<QueuedJob>();
  /** Jobs of each priority. */
  readonly #counts = new Map<number, number>();
  /** `received` of the share served last: where a newcomer starts. */
  #level = 0;

  get size(): number {
    return this.#jobs.size;
  }

  /** Jobs that go behind the others now. */
  get behind(): number {
    return this.#behind.size;
  }

  /** All of them, in no order that means anything. */
  all(): Iterable<QueuedJob> {
    return this.#jobs.values();
  }

  isBehind(job: QueuedJob): boolean {
    return this.#behind.has(job);
  }

  /** The job that waits longest, whatever its priority. */
  oldest(): QueuedJob | undefined {
    return this.#oldest.peek();
  }

  /** Jobs that were created at `at` or before. Takes as long as there are such jobs. */
  countUntil(at: number): number {
    let count = 0;
    for (const { createdAt } of this.#jobs.values()) {
      if (createdAt > at) break;
      count++;
    }
    return count;
  }

  /** Jobs of this priority or a higher one. Takes as long as there are priorities in use. */
  countFrom(priority: number): number {
    let count = 0;
    for (const [other, jobs] of this.#counts) if (other >= priority) count += jobs;
    return count;
  }

  #count({ priority }: QueuedJob, change: 1 | -1): void {
    const count = (this.#counts.get(priority) ?? 0) + change;
    if (count > 0) this.#counts.set(priority, count);
    else this.#counts.delete(priority);
  }

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  add(job: QueuedJob): void {
    if (this.#jobs.has(job.id)) return;
    this.#jobs.set(job.id, job);
    this.#count(job, 1);
    this.#oldest.put(job);
    if (job.behind) this.#turns.put(job);
    this.#insert(job);
  }

  /** Moves those whose time has come behind the others, or back. */
  turn(now: number): void {
    for (let job = this.#turns.peek(); job && this.#turnOf(job) <= now; job = this.#turns.peek()) {
      this.#extract(job);
      if (this.#behind.delete(job)) this.#turns.remove(job);
      else {
        this.#behind.add(job);
        this.#turns.put(job);
      }
      this.#insert(job);
    }
  }

  #insert(job: QueuedJob): void {
    const level = this.#levelOf(job);
    const name = shareName(level, job);
    let share = this.#shares.get(name);
    if (!share) {
      share = { jobs: new Heap((a, b) => (a.number === b.number ? a.id < b.id : a.number < b.number)), received: this.#level, job };
      this.#shares.set(name, share);
    }
    if (share.jobs.size === 0) share.received = Math.max(share.received, this.#level);
    share.jobs.put(job);
    share.job = share.jobs.peek() as QueuedJob;
    const { fair, urgent } = this.#levelAt(level);
    fair.put(share);
    urgent.put(share);
  }

  /** Takes a job out; undefined when it is not here. */
  remove(id: string): QueuedJob | undefined {
    const job = this.#jobs.get(id);
    if (!job) return undefined;
    this.#jobs.delete(id);
    this.#count(job, -1);
    this.#oldest.remove(job);
    this.#turns.remove(job);
    this.#extract(job);
    this.#behind.delete(job);
    return job;
  }

  #extract(job: QueuedJob): void {
    const level = this.#levelOf(job);
    const name = shareName(level, job);
    const share = this.#shares.get(name) as Share;
    share.jobs.remove(job);
    const { fair, urgent } = this.#levelAt(level);
    const head = share.jobs.peek();
    if (head) {
      share.job = head;
      fair.put(share);
      urgent.put(share);
      return;
    }
    fair.remove(share);
    urgent.remove(share);
    // Shares at or below the level carry no memory, so that keys which never return cost nothing.
    if (share.received <= this.#level) this.#shares.delete(name);
    if (fair.size === 0) this.#dropLevel(level);
  }

  /** The next job to run; undefined when none waits. */
  peek(): QueuedJob | undefined {
    return this.#firstShares()?.peek()?.job;
  }

  /** At most `count` jobs in the order in which `take` would give them, those of the first level only: the highest priority, and of it those that do not go behind. O(count log count). */
  first(count: number, predictedSeconds: number): QueuedJob[] {
    const goesFirst = this.#isScarce() ? hasReceivedLess : isMoreUrgent;
    const turns = new Heap<Turn>(goesFirst);
    for (const { jobs, received } of this.#firstShares()?.inOrder() ?? []) {
      if (turns.size === count) break;
      const rest = jobs.inOrder();
      turns.put({ received, job: rest.next().value as QueuedJob, rest });
    }
    const first: QueuedJob[] = [];
    for (let turn = turns.pop(); turn && first.length < count; turn = turns.pop()) {
      first.push(turn.job);
      const job = turn.rest.next().value;
      if (job) turns.put({ received: turn.received + predictedSeconds, job, rest: turn.rest });
    }
    return first;
  }

  /** GPU time does not suffice for every job's target. */
  #isScarce(): boolean {
    return this.behind > 0;
  }

  #firstShares(): Heap<Share> | undefined {
    const first = this.#order[0];
    const level = first === undefined ? undefined : this.#levels.get(first);
    return this.#isScarce() ? level?.fair : level?.urgent;
  }

  /** Takes a job, the next one if none is named, and charges its key with `predictedSeconds` of GPU time. */
  take(predictedSeconds: number, job = this.peek()): QueuedJob | undefined {
    if (!job) return undefined;
    const share = this.#shares.get(shareName(this.#levelOf(job), job)) as Share;
    this.#level = Math.max(this.#level, share.received);
    share.received += predictedSeconds;
    return this.remove(job.id);
  }

  /** When it goes behind the others, or comes back. */
  #turnOf(job: QueuedJob): number {
    return (this.#behind.has(job) ? job.behind?.to : job.behind?.from) ?? Infinity;
  }

  #levelOf(job: QueuedJob): number {
    return 2 * job.priority + (this.#behind.has(job) ? 0 : 1);
  }

  #levelAt(number: number): Level {
    let level = this.#levels.get(number);
    if (!level) {
      level = { fair: new Heap<Share>(hasReceivedLess), urgent: new Heap<Share>(isMoreUrgent) };
      this.#levels.set(number, level);
      this.#order = [...this.#levels.keys()].sort((a, b) => b - a);
    }
    return level;
  }

  #dropLevel(level: number): void {
    this.#levels.delete(level);
    this.#order = this.#order.filter((other) => other !== level);
  }
}

const shareName = (level: number, job: QueuedJob): string => `${level}|${job.key ?? ''}`;

function hasReceivedLess(a: Claim, b: Claim): boolean {
  return a.received === b.received ? a.job.id < b.job.id : a.received < b.received;
}

function isMoreUrgent(a: Claim, b: Claim): boolean {
  const [ofA, ofB] = [a.job.behind?.from ?? Infinity, b.job.behind?.from ?? Infinity];
  return ofA === ofB ? hasReceivedLess(a, b) : ofA < ofB;
}
