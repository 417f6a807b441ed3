import type { Slo } from '../summary.ts';
import type { TraceJob } from '../trace.ts';
import { binsOf, slackBins, type Bin } from './bins.ts';
import { ProgramBuilder, type LinearProgram, type Term } from './linear-program.ts';
import { workMs } from './zero-wait.ts';

/** Seconds and GPU-seconds in here; milliseconds outside. */
const seconds = (ms: number): number => ms / 1000;

export interface SlackInput {
  /** In the order of their arrival, at least one. */
  readonly jobs: readonly TraceJob[];
  /** Milliseconds of a start, all of them billed. */
  readonly startMs: number;
  readonly slo: Pick<Slo, 'p' | 'latencyMs'>;
  /** Width of a bin. */
  readonly binMs: number;
  /** How long after the last deadline late jobs may still run; null: at any time, as a policy may have it. */
  readonly lateMs: number | null;
  /** May a job count as on time that alone takes longer than the target? False gives the better bound. */
  readonly longJobsOnTime: boolean;
}

export interface SlackProgram {
  readonly program: LinearProgram;
  readonly bins: readonly Bin[];
  /** The variable "ready containers" of each bin. */
  readonly ready: readonly number[];
  /** The variables "jobs given up", and the jobs that each stands for, by number. */
  readonly rejects: readonly RejectGroup[];
}

interface RejectGroup {
  readonly column: number;
  readonly jobs: readonly number[];
}

/** How many of `n` jobs must be on time. */
export const leastOnTime = (n: number, p: number): number => Math.ceil(p * n - 1e-9);

/**
 * A linear programme whose optimum no policy can undercut that answers the share `p` of the jobs within the target and does all of them.
 * Time is cut into bins, containers and work are divisible and may be interrupted, and every job has a share in [0, 1] with which it is
 * given up as late. Let m be the ready containers of a bin, u their rise since the bin before, x and z the work done on jobs on time and on late
 * ones, q and b what is left of each at the end of the bin, r the work given up among the bin's arrivals w:
 *
 *   minimise sum bin x m + start x u           u >= m - m before          x + z <= bin x m
 *   q = q before + (w - r) - x                  b = b before + r - z       jobs given up <= n - ceil(p n)
 *   q <= sum of (w - r) over the last K bins, K = ceil(latency / bin): what is older has missed its deadline
 *
 * A job that arrives at the end of its bin is due before the end of the K-th bin after it, and its work never begins before its bin; an
 * average over a bin rises no more than what is averaged. So every real run gives a solution, at no more than its own cost. Late work has no
 * deadline, so what is left at the end costs its own time and no start: b at the end costs 1.
 */
export function slackProgram(input: SlackInput): SlackProgram {
  return new Writer(input).write();
}

/** The work that arrives in a bin, and what of it can be given up. */
interface Arriving {
  readonly work: number;
  readonly given: readonly Term[];
}

/** What was left at the end of the bin before, as terms to take off. */
interface Left {
  ready: readonly Term[];
  onTime: readonly Term[];
  late: readonly Term[];
}

class Writer {
  readonly #input: SlackInput;
  readonly #program = new ProgramBuilder();
  readonly #ready: number[] = [];
  readonly #rejects: RejectGroup[] = [];
  readonly #arriving: readonly Arriving[];
  /** Bins up to the last deadline, then one for late jobs where their time is limited. */
  readonly #bins: readonly Bin[];
  readonly #onTimeBins: number;
  readonly #slack: number;
  readonly #work: number;

  constructor(input: SlackInput) {
    const { jobs, slo, binMs, lateMs } = input;
    this.#input = input;
    this.#slack = slackBins(slo.latencyMs, binMs);
    const bins = binsOf(jobs, { binMs, latencyMs: slo.latencyMs });
    const { fromMs, widthMs } = bins.at(-1) as Bin;
    this.#onTimeBins = bins.length;
    this.#bins = lateMs === null ? bins : [...bins, { fromMs: fromMs + widthMs, widthMs: lateMs, jobs: [] }];
    this.#work = seconds(workMs(jobs));
    this.#arriving = this.#bins.map((bin) => this.#arrivals(bin));
  }

  write(): SlackProgram {
    const { slo, jobs } = this.#input;
    const left: Left = { ready: [], onTime: [], late: [] };
    for (let bin = 0; bin < this.#bins.length; bin++) this.#bin(bin, left);
    const mostLate = jobs.length - leastOnTime(jobs.length, slo.p);
    const all = this.#rejects.map(({ column }): Term => [column, 1]);
    this.#program.row(-Infinity, mostLate, all);
    return { program: this.#program, bins: this.#bins, ready: this.#ready, rejects: this.#rejects };
  }

  /** Jobs of a bin that take equally long are one variable: which of them is given up makes no difference. */
  #arrivals({ jobs: arriving }: Bin): Arriving {
    const { jobs, slo, longJobsOnTime } = this.#input;
    const sizes = Map.groupBy(arriving, (index) => (jobs[index] as TraceJob).serviceMs);
    const given: Term[] = [];
    let work = 0;
    for (const [serviceMs, group] of sizes) {
      const tooLong = serviceMs > slo.latencyMs && !longJobsOnTime;
      const column = this.#program.column(0, group.length, tooLong ? group.length : 0);
      work += seconds(serviceMs * group.length);
      given.push([column, seconds(serviceMs)]);
      this.#rejects.push({ column, jobs: group });
    }
    return { work, given };
  }

  #bin(bin: number, left: Left): void {
    const program = this.#program;
    const width = seconds((this.#bins[bin] as Bin).widthMs);
    // No more containers than all work at once fills are of any use.
    const most = this.#work / seconds(this.#input.binMs);
    const ready = program.column(width, most);
    const rise = program.column(seconds(this.#input.startMs), most);
    program.row(0, Infinity, [[rise, 1], [ready, -1], ...left.ready]);
    left.ready = [[ready, 1]];
    this.#ready.push(ready);
    const done = [...this.#onTime(bin, left), this.#late(bin, left)];
    program.row(0, Infinity, [[ready, width], ...done.map((column): Term => [column, -1])]);
  }

  /** The work on jobs on time: its variable, none after the last deadline. */
  #onTime(bin: number, left: Left): number[] {
    if (bin >= this.#onTimeBins) return [];
    const program = this.#program;
    const { work, given } = this.#arriving[bin] as Arriving;
    const done = program.column(0, this.#work);
    const rest: Term[] = bin < this.#onTimeBins - 1 ? [[program.column(0, this.#work), 1]] : [];
    program.row(work, work, [...rest, ...left.onTime, [done, 1], ...given]);
    if (rest[0] && bin >= this.#slack) this.#due(bin, rest[0]);
    left.onTime = negative(rest);
    return [done];
  }

  /** What is left is younger than the slack. */
  #due(bin: number, rest: Term): void {
    const young = this.#arriving.slice(bin - this.#slack + 1, bin + 1);
    const work = young.reduce((sum, arriving) => sum + arriving.work, 0);
    this.#program.row(-Infinity, work, [rest, ...young.flatMap(({ given }) => given)]);
  }

  /** The work on late jobs: its variable. */
  #late(bin: number, left: Left): number {
    const program = this.#program;
    const { given } = this.#arriving[bin] as Arriving;
    const done = program.column(0, this.#work);
    const last = bin === this.#bins.length - 1;
    const rest: Term[] = last && this.#input.lateMs !== null ? [] : [[program.column(last ? 1 : 0, this.#work), 1]];
    program.row(0, 0, [...rest, ...left.late, [done, 1], ...negative(given)]);
    left.late = negative(rest);
    return done;
  }
}

const negative = (terms: readonly Term[]): Term[] => terms.map(([column, factor]) => [column, -factor]);
