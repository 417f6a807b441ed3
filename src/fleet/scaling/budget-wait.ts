import { affordableNow, spreadHours, whole, type Money } from './spending.ts';

/** What a job waits for. */
export interface WorkAhead {
  /** Container-seconds of work that come first. */
  readonly seconds: number;
  /** Containers that take jobs or will. */
  readonly containers: number;
  /** A new one serves nobody for so long, but costs. */
  readonly startSeconds: number;
}

/** For so long there are so many containers that serve. */
interface Phase {
  readonly seconds: number;
  readonly serving: number;
}

/**
 * Seconds until a budget has let all work ahead be done and there is a container for the next job: as many containers as it allows, whatever the
 * policy wishes. First what was saved up is spent, or what is owed refilled; from then on the same cycle comes again and again: what the budget
 * pays for all the time (floor(budget / price)), until enough is saved for one container more, which spends it within `spreadHours`. Over a
 * cycle that is budget / price containers, less what starts take. Infinity: it never allows a container that serves anybody.
 */
export function budgetWait(money: Money, work: WorkAhead): number {
  const first = pass(beginning(money, work), work.seconds);
  if (first.done) return first.waited;
  const cycle = [climb({ ...money, left: 0 }), ...oneMore(money, work)];
  const cycleSeconds = sum(cycle, ({ seconds }) => seconds);
  if (cycleSeconds === Infinity) return first.waited + pass(cycle, first.rest).waited;
  const perCycle = sum(cycle, ({ seconds, serving }) => seconds * serving);
  if (perCycle === 0) return Infinity;
  const cycles = Math.floor(first.rest / perCycle);
  return first.waited + cycles * cycleSeconds + pass(cycle, first.rest - cycles * perCycle).waited;
}

/** Until the bucket is empty for the first time. */
function beginning(money: Money, work: WorkAhead): Phase[] {
  const { left, budget, price } = money;
  const allowed = affordableNow(money);
  const now = left > 0 ? Math.max(work.containers, allowed.start) : allowed.start;
  if (now * price <= budget * (1 + 1e-9)) return [...begun(climb(money), work), ...oneMore(money, work)];
  return begun({ seconds: (3600 * left) / (now * price - budget), serving: now }, work);
}

/** Where there is none yet, a phase begins with their start. */
function begun({ seconds, serving }: Phase, { containers, startSeconds }: WorkAhead): Phase[] {
  const lead = containers > 0 || serving === 0 ? 0 : Math.min(seconds, startSeconds);
  return [
    { seconds: lead, serving: 0 },
    { seconds: seconds - lead, serving },
  ];
}

/** Containers that the budget pays for all the time. */
const steadyOf = ({ budget, price }: Money): number => whole(budget / price);

/** Only those, until enough is left for one more; for ever, where that never comes. */
function climb(money: Money): Phase {
  const { left, budget, price } = money;
  const serving = steadyOf(money);
  const saved = budget - serving * price;
  const needed = ((serving + 1) * price - budget) * spreadHours;
  const comes = saved > 1e-9 * price && needed <= budget;
  return { seconds: comes ? (3600 * Math.max(0, needed - left)) / saved : Infinity, serving };
}

/** One more, until what was saved for it is spent. */
function oneMore(money: Money, { startSeconds }: WorkAhead): Phase[] {
  const serving = steadyOf(money);
  const lasts = 3600 * spreadHours;
  const lead = Math.min(lasts, startSeconds);
  return [
    { seconds: lead, serving },
    { seconds: lasts - lead, serving: serving + 1 },
  ];
}

/** Does so much work in phases: how long that takes, or what is left of it after them. */
function pass(phases: readonly Phase[], work: number): { waited: number; rest: number; done: boolean } {
  let [waited, rest] = [0, work];
  for (const { seconds, serving } of phases) {
    // The next job needs a container, too, so that phases without one or of no length do not end the wait.
    if (serving > 0 && rest < serving * seconds) return { waited: waited + rest / serving, rest: 0, done: true };
    waited += seconds;
    if (seconds < Infinity) rest -= serving * seconds;
  }
  return { waited, rest, done: false };
}

const sum = (phases: readonly Phase[], of: (phase: Phase) => number): number => phases.reduce((all, phase) => all + of(phase), 0);
