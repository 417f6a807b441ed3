import type { Clock, Random } from '../fleet/clock.ts';
import { ComfleetError } from '../errors.ts';
import { flatScaling } from '../config/flat-scaling.ts';
import type { Plan } from '../planning/plan/planner.ts';
import { preparePlan } from '../planning/plan/prepare.ts';
import type { PlanQuestion, PreparedPlan } from '../planning/plan/question.ts';
import type { runPrepared } from './run-plan.ts';

/** A plan that somebody asked for. */
export interface PlanRecord {
  readonly id: string;
  readonly workspace: string;
  /** NAME@ENVIRONMENT, if it is made from a deployment's own jobs. */
  readonly deployment: string | null;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** Share of the simulations that are done, 0 to 1. */
  readonly progress: number;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  /** Null unless it is done. */
  readonly plan: Plan | null;
  /** Why it failed. */
  readonly error: ComfleetError | null;
}

/** Plans on demand, kept in memory for a while. */
export interface Plans {
  /** Begins one. Errors: those of `preparePlan`, and `too_many_requests` while another one of the workspace runs. */
  start(workspace: string, question: PlanQuestion, deployment: string | null): PlanRecord;
  /** Error: `unknown_plan`. */
  get(workspace: string, id: string): PlanRecord;
  /** Gives up one that runs, and settles when its threads have ended; forgets one that does not. Error: `unknown_plan`. */
  remove(workspace: string, id: string): Promise<void>;
  /** Gives up what runs. */
  close(): Promise<void>;
}

export interface PlansDependencies {
  readonly clock: Clock;
  readonly random: Pick<Random, 'id'>;
  readonly run: typeof runPrepared;
  /** Told of failures that are nobody's but comfleet's own. */
  readonly report: (error: unknown) => void;
}

/** Kept, of all workspaces; the oldest go. */
const mostKept = 20;
/** One that takes longer is given up, so that nobody keeps everybody else's waiting. */
const limitMs = 600_000;
/** A plan takes seconds. */
const retryAfterSeconds = 5;

interface Running {
  readonly id: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export function createPlans({ clock, random, run, report }: PlansDependencies): Plans {
  const records = new Map<string, PlanRecord>();
  /** By workspace. */
  const running = new Map<string, Running>();
  const change = (id: string, what: Partial<PlanRecord>): void => {
    const before = records.get(id);
    if (before) records.set(id, { ...before, ...what });
  };
  const end = (id: string, what: Partial<PlanRecord>): void => change(id, { ...what, finishedAt: clock.now() });
  const work = async (id: string, prepared: PreparedPlan, stop: AbortController): Promise<void> => {
    const { signal } = stop;
    const timer = clock.at(clock.now() + limitMs, () => stop.abort(tooLong()));
    try {
      const onProgress = (progress: number): void => change(id, { progress });
      const plan = await run(prepared, { onProgress, signal });
      end(id, { state: 'done', progress: 1, plan });
    } catch (error) {
      if (signal.aborted && signal.reason === cancelled) return end(id, { state: 'cancelled' });
      if (!(error instanceof ComfleetError)) report(error);
      const told = error instanceof ComfleetError ? error : new ComfleetError('internal', 'The simulation broke; the log says where');
      end(id, { state: 'failed', error: told });
    } finally {
      timer.cancel();
    }
  };
  const get = (workspace: string, id: string): PlanRecord => {
    const record = records.get(id);
    if (record?.workspace === workspace) return record;
    throw new ComfleetError('unknown_plan', `There is no plan ${id}`);
  };
  return {
    get,
    start(workspace, question, deployment) {
      const other = running.get(workspace);
      if (other) throw busy(other.id);
      const prepared = preparePlan(question, flatScaling);
      const id = random.id();
      const record = { ...begun, id, workspace, deployment, createdAt: clock.now() };
      records.set(id, record);
      for (const oldest of [...records.keys()].slice(0, Math.max(0, records.size - mostKept))) records.delete(oldest);
      const stop = new AbortController();
      const ended = work(id, prepared, stop).finally(() => running.delete(workspace));
      running.set(workspace, { id, stop, ended });
      return record;
    },
    async remove(workspace, id) {
      get(workspace, id);
      const now = running.get(workspace);
      if (now?.id !== id) return void records.delete(id);
      now.stop.abort(cancelled);
      await now.ended;
    },
    async close() {
      for (const { stop } of running.values()) stop.abort(new ComfleetError('draining', 'The gateway stops'));
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

const begun = { state: 'running', progress: 0, finishedAt: null, plan: null, error: null } as const;

/** Why a plan was given up, where somebody wanted that. */
const cancelled = new Error('the plan was cancelled');

const tooLong = (): ComfleetError =>
  new ComfleetError(
    'plan_too_long',
    `It was not made within ${limitMs / 60_000} minutes: the jobs, their times on the GPU or the starts span too long a time`,
  );

function busy(plan: string): ComfleetError {
  const details = { retry_after: retryAfterSeconds, plan };
  return new ComfleetError('too_many_requests', `One plan is made at a time, and ${plan} is not ready yet`, details);
}
