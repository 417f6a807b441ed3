import type { Clock, Random } from '../fleet/clock.ts';
import { ComfleetError } from '../errors.ts';
import { flatScaling } from '../config/flat-scaling.ts';
import type { Plan } from '../planning/plan/planner.ts';
import { preparePlan } from '../planning/plan/prepare.ts';
import type { PlanQuestion } from '../planning/plan/question.ts';
import type { runPrepared } from './run-plan.ts';

/** A plan that somebody asked for. */
export interface PlanRecord {
  readonly id: string;
  readonly workspace: string;
  readonly state: 'running' | 'done' | 'failed';
  /** Share of the simulations that are done, 0 to 1. */
  readonly progress: number;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  /** Null while it runs, and when it failed. */
  readonly plan: Plan | null;
  /** Why it failed. */
  readonly error: ComfleetError | null;
}

/** Plans on demand, kept in memory for a while. */
export interface Plans {
  /** Begins one. Errors: those of `preparePlan`, and `too_many_requests` while another one of the workspace runs. */
  start(workspace: string, question: PlanQuestion): PlanRecord;
  /** Error: `unknown_plan`. */
  get(workspace: string, id: string): PlanRecord;
  /** Gives up what runs. */
  close(): Promise<void>;
}

export interface PlansDependencies {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'id'>;
  readonly run: typeof runPrepared;
  /** Told of failures that are nobody's but comfleet's own. */
  readonly report: (error: unknown) => void;
}

/** Kept, of all workspaces; the oldest go. */
const mostKept = 20;
/** A plan takes seconds. */
const retryAfterSeconds = 5;

export function createPlans({ clock, random, run, report }: PlansDependencies): Plans {
  const records = new Map<string, PlanRecord>();
  const running = new Map<string, Promise<void>>();
  const closing = new AbortController();
  const change = (id: string, what: Partial<PlanRecord>): void => {
    const before = records.get(id);
    if (before) records.set(id, { ...before, ...what });
  };
  const work = async (id: string, prepared: Parameters<typeof run>[0]): Promise<void> => {
    try {
      const onProgress = (progress: number): void => change(id, { progress });
      const plan = await run(prepared, { onProgress, signal: closing.signal });
      change(id, { state: 'done', progress: 1, plan, finishedAt: clock.now() });
    } catch (error) {
      if (!(error instanceof ComfleetError)) report(error);
      const told = error instanceof ComfleetError ? error : new ComfleetError('internal', 'The simulation broke; the log says where');
      change(id, { state: 'failed', error: told, finishedAt: clock.now() });
    }
  };
  return {
    start(workspace, question) {
      const other = running.has(workspace) && [...records.values()].find((one) => one.workspace === workspace && one.state === 'running');
      if (other) {
        const details = { retry_after: retryAfterSeconds, plan: other.id };
        throw new ComfleetError('too_many_requests', `One plan is made at a time, and ${other.id} is not ready yet`, details);
      }
      const prepared = preparePlan(question, flatScaling);
      const id = random.id();
      const now = clock.now();
      const record: PlanRecord = {
        id,
        workspace,
        state: 'running',
        progress: 0,
        createdAt: now,
        finishedAt: null,
        plan: null,
        error: null,
      };
      records.set(id, record);
      for (const oldest of [...records.keys()].slice(0, Math.max(0, records.size - mostKept))) records.delete(oldest);
      const working = work(id, prepared).finally(() => running.delete(workspace));
      running.set(workspace, working);
      return record;
    },
    get(workspace, id) {
      const record = records.get(id);
      if (record?.workspace === workspace) return record;
      throw new ComfleetError('unknown_plan', `There is no plan ${id}`);
    },
    async close() {
      closing.abort(new ComfleetError('draining', 'The gateway stops'));
      await Promise.all(running.values());
    },
  };
}
