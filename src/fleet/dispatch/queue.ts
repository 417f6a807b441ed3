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
}

interface Share {
  readonly jobs: Heap<QueuedJob>;
  /** GPU-seconds that this key has received, on the queue's own scale. */
  received: number;
}

/** Jobs of a key that are still to come, as if those before them had been taken. */
interface Turn {
  readonly received: number;
  readonly job: QueuedJob;
  readonly rest: Iterator<QueuedJob, void>;
}

/**
 * Queued jobs of one deployment: the highest priority first; inside a priority the key that has received the fewest predicted
 * GPU-seconds, ties by the age of its first job; inside a key by number, then by age: numbers are counted, but ComfyUI clients may choose
 * theirs. A key that comes back after a pause starts level with those who stayed: it cannot save up a claim (start-time fair queueing).
 * Every operation is O(log n).
 */
export class JobQueue {
  readonly #levels = new Map<number, Heap<Share>>();
  readonly #shares = new Map<string, Share>();
  readonly #jobs = new Map<string, QueuedJob>();
  readonly #oldest = new Heap<QueuedJob>((a, b) => a.id < b.id);
  #priorities: number[] = [];
  /** `received` of the share served last: where a newcomer starts. */
  #level = 0;

  get size(): number {
    return this.#jobs.size;
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

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  add(job: QueuedJob): void {
    if (this.#jobs.has(job.id)) return;
    this.#jobs.set(job.id, job);
    this.#oldest.put(job);
    const name = shareName(job);
    let share = this.#shares.get(name);
    if (!share) {
      share = { jobs: new Heap((a, b) => (a.number === b.number ? a.id < b.id : a.number < b.number)), received: this.#level };
      this.#shares.set(name, share);
    }
    if (share.jobs.size === 0) share.received = Math.max(share.received, this.#level);
    share.jobs.put(job);
    this.#levelOf(job.priority).put(share);
  }

  /** Takes a job out; undefined when it is not here. */
  remove(id: string): QueuedJob | undefined {
    const job = this.#jobs.get(id);
    if (!job) return undefined;
    this.#jobs.delete(id);
    this.#oldest.remove(job);
    const name = shareName(job);
    const share = this.#shares.get(name) as Share;
    share.jobs.remove(job);
    const level = this.#levelOf(job.priority);
    if (share.jobs.size > 0) level.put(share);
    else {
      level.remove(share);
      // Shares at or below the level carry no memory, so that keys which never return cost nothing.
      if (share.received <= this.#level) this.#shares.delete(name);
      if (level.size === 0) this.#dropLevel(job.priority);
    }
    return job;
  }

  /** The next job to run; undefined when none waits. */
  peek(): QueuedJob | undefined {
    const priority = this.#priorities[0];
    return priority === undefined ? undefined : this.#levels.get(priority)?.peek()?.jobs.peek();
  }

  /** At most `count` jobs in the order in which `take` would give them, those of the highest priority only. O(count log count). */
  first(count: number, predictedSeconds: number): QueuedJob[] {
    const level = this.#levels.get(this.#priorities[0] ?? 0);
    const turns = new Heap<Turn>((a, b) => (a.received === b.received ? a.job.id < b.job.id : a.received < b.received));
    for (const { jobs, received } of level?.inOrder() ?? []) {
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

  /** Takes a job, the next one if none is named, and charges its key with `predictedSeconds` of GPU time. */
  take(predictedSeconds: number, job = this.peek()): QueuedJob | undefined {
    if (!job) return undefined;
    const share = this.#shares.get(shareName(job)) as Share;
    this.#level = Math.max(this.#level, share.received);
    share.received += predictedSeconds;
    return this.remove(job.id);
  }

  #levelOf(priority: number): Heap<Share> {
    let level = this.#levels.get(priority);
    if (!level) {
      level = new Heap<Share>((a, b) => (a.received === b.received ? headId(a) < headId(b) : a.received < b.received));
      this.#levels.set(priority, level);
      this.#priorities = [...this.#levels.keys()].sort((a, b) => b - a);
    }
    return level;
  }

  #dropLevel(priority: number): void {
    this.#levels.delete(priority);
    this.#priorities = this.#priorities.filter((other) => other !== priority);
  }
}

const shareName = (job: QueuedJob): string => `${job.priority}|${job.key ?? ''}`;
const headId = (share: Share): string => share.jobs.peek()?.id ?? '';
