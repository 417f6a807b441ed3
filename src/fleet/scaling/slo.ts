import type { Json } from '../../comfyui/protocol.ts';
import { quantile, type Lognormal } from '../learning/lognormal.ts';
import type { Observed } from '../learning/observations.ts';
import { aliveOf, type Decision, type FleetSummary, type Policy } from './policy.ts';
import type { ScalingSettings } from './settings.ts';
import { idleWindowMs, learnGaps, notNeededMs, noGaps, type IdleGaps } from './slo/idle-gaps.ts';
import { standingFor } from './slo/loss.ts';
import { planStarts, withMargin, type Outlook, type Plan } from './slo/plan.ts';
import { earliest } from './towards.ts';

/** Of the misses that the target allows, so many are aimed at. */
const aimedShare = 0.65;
/** How much a miss moves the correction, and how far it may go: e^-2 to e^3.5 times what a miss is taken to be worth, so that serving a job is always worth more than not. */
const gain = 0.15;
const leastCorrection = -2;
const mostCorrection = 3.5;
/** Before anything is known: what the target allows is soon used up while everything is learnt. */
const firstCorrection = 0.5;
/** What a miss is worth before any correction, in service times. */
const missWorth = 8;
/** Standard deviations of the service time that a start comes sooner than on the median it must, and by how many the correction moves that. */
const marginDeviations = 2.5;
const marginByCorrection = 0.5;
/** Late jobs are worked off within so many start-up times or latencies, whichever is longer. */
const backlogTimes = 0.5;
/** A start is decided upon at the latest so long before it must be, milliseconds: two periods of the controller. */
const decisionMs = 200;
/** How often the rate of arrivals is looked at. */
const lookMs = 1_000;

/** What it remembers from decision to decision. */
interface Memory {
  /** Jobs that had ended and missed the target when it last looked. */
  readonly ended: number;
  readonly missed: number;
  /** Logarithm of the factor on what a miss is worth: rises with each miss, falls with each job in time, and rests where as many miss as aimed at. */
  readonly correction: number;
  readonly gaps: IdleGaps;
  /** Containers that the rate of arrivals asked for when it was last looked at, and when that was; null: never. */
  readonly standing: number;
  readonly lookedAt: number | null;
}

const nothingYet: Memory = { ended: 0, missed: 0, correction: firstCorrection, gaps: noGaps, standing: 0, lookedAt: null };

const nothingToStart: Plan = { start: 0, nextStartIn: null, lost: 0 };

/** Everything that one decision looks at. */
interface View {
  readonly summary: FleetSummary;
  readonly settings: ScalingSettings;
  readonly observed: Observed;
  readonly correction: number;
  readonly alive: number;
  /** Containers wanted for the rate of arrivals alone; and with bursts and `min_containers`, within `max_containers` and the budget. */
  readonly standing: number;
  readonly floor: number;
}

/**
 * Meets a latency target at the least cost: nothing but `slo` (and `budget`) is set. It weighs the cost of containers against the worth of a
 * missed job, which it corrects until as many miss as the target allows.
 *
 * - Containers that stand ready: c that minimises c + worth x rate x share missed(c), for jobs that cannot wait for a start (slo/loss.ts), and
 *   those that earlier bursts would have needed, where worth x jobs helped per second > 1.
 * - A start: for a queued job that would be late without one and in time with one, as late as possible (slo/plan.ts).
 * - Late jobs: those that cannot meet the target go behind the others, and as many containers stay as work them off.
 * - Idle containers: kept as long as a gap until their next use is likely to be cheaper than a start (slo/idle-gaps.ts).
 */
export const slo: Policy = {
  name: 'slo',
  settings: {},
  aimsAtTarget: true,
  note: noteFor,
  decide(summary, settings, memory) {
    const observed = summary.observed as Observed;
    const before = (memory ?? nothingYet) as unknown as Memory;
    const correction = correct(before, observed, settings);
    // A clock that was set back must not put the next look off for long.
    const looks = Math.abs(summary.now - (before.lookedAt ?? Infinity)) >= lookMs;
    const standing = looks ? standingNow(observed, settings, correction) : before.standing;
    const view = viewOf({ summary, settings, observed, correction, standing });
    const plan = summary.queued > observed.late ? planStarts(outlookOf(view)) : nothingToStart;
    const gaps = learnGaps(before.gaps, summary.now, neededNow(view), nextStartMs(observed));
    const late = observed.late + plan.lost;
    const wanted = { planned: plan.start, backlog: backlogStarts(view, late), floor: view.floor - view.alive };
    const start = Math.max(0, wanted.planned, wanted.backlog, wanted.floor);
    const spare = start > 0 ? { stop: 0, cancel: 0, wakeAt: null } : spareOf(view, gaps);
    const planned = plan.nextStartIn === null ? null : summary.now + plan.nextStartIn * observed.stepSeconds * 1000;
    const look = view.floor > 0 || observed.rate > 0 ? summary.now + lookMs : null;
    return {
      start,
      stop: spare.stop,
      cancel: spare.cancel,
      desired: view.alive + start - spare.stop - spare.cancel,
      standing: view.standing,
      wakeAt: earliest(planned, spare.wakeAt, look),
      reason: reasonFor(view, { start, ...spare }, { ...wanted, late }),
      memory: {
        ended: observed.ended,
        missed: observed.missed,
        correction,
        gaps,
        standing,
        lookedAt: looks ? summary.now : before.lookedAt,
      } as unknown as Json,
    };
  },
};

/** Integral control: at rest exactly as many jobs miss as aimed at. */
function correct(before: Memory, { ended, missed }: Observed, { slo: target }: ScalingSettings): number {
  // Counts begin anew with each life of the gateway.
  const since = ended < before.ended ? { ended: 0, missed: 0 } : before;
  const aimed = (1 - target.p) * aimedShare * (ended - since.ended);
  const moved = before.correction + gain * (missed - since.missed - aimed);
  return Math.min(Math.max(moved, leastCorrection), mostCorrection);
}

/** Containers for the rate of arrivals; no more than jobs have come, since a few that came at once may be all. */
function standingNow(
  { rate, arrivals, service, startSeconds, outsideSeconds }: Observed,
  { slo: target }: ScalingSettings,
  correction: number,
): number {
  const latencySeconds = target.latencyMs / 1000 - outsideSeconds;
  const standing = standingFor({ rate, service, latencySeconds, startSeconds, missSeconds: missSecondsOf(service, correction) });
  return Math.min(standing, Math.ceil(arrivals));
}

function viewOf(given: Omit<View, 'alive' | 'floor'>): View {
  const { summary, settings, observed, correction, standing } = given;
  const missSeconds = missSecondsOf(observed.service, correction);
  // One more container costs a container-second a second.
  let forBursts = observed.bursts.length;
  while (forBursts > 0 && missSeconds * (observed.bursts[forBursts - 1] as number) <= 1) forBursts--;
  const wished = Math.max(settings.minContainers, standing, forBursts);
  const floor = Math.min(wished, settings.maxContainers ?? Infinity, summary.affordable ?? Infinity);
  return { ...given, alive: aliveOf(summary), floor };
}

/** What a missed job is worth, container-seconds. */
const missSecondsOf = (service: Lognormal, correction: number): number => missWorth * service.mean * Math.exp(correction);

function outlookOf({ summary, observed, correction }: View): Outlook {
  const { stepSeconds, service, latestStarts, frees } = observed;
  const startSteps = (observed.startSeconds + decisionMs / 1000) / stepSeconds;
  const deviations = Math.max(0, marginDeviations + marginByCorrection * correction);
  const margin = Math.round((quantile(service, deviations) - quantile(service, 0)) / stepSeconds);
  return {
    latestStarts: withMargin(latestStarts, margin, startSteps),
    idle: summary.idleForMs.length,
    frees,
    serviceSteps: service.mean / stepSeconds,
    startSteps,
  };
}

/** Starts for late jobs: so many containers as the load needs and work them off in time; at least one where there is none. */
function backlogStarts({ summary, observed, settings, alive }: View, late: number): number {
  if (late === 0) return 0;
  const seconds = backlogTimes * Math.max(observed.startSeconds, settings.slo.latencyMs / 1000);
  const needed = Math.round((late / seconds + observed.rate) * observed.service.mean);
  const unserved = late - summary.starting - summary.idleForMs.length;
  return Math.max(alive === 0 ? 1 : 0, Math.min(unserved, needed - alive));
}

/**
 * Containers that are needed now: those at work and coming up, where they come up for jobs that wait for them, or where no job can be in time
 * whatever is done. Where jobs can be in time but cannot wait for a start, those above the floor are only at work because they are there.
 */
function neededNow({ summary, observed, settings, floor }: View): number {
  const slack = settings.slo.latencyMs / 1000 - observed.outsideSeconds - observed.service.mean;
  const onlyReadyOnesHelp = slack >= 0 && slack <= observed.startSeconds;
  return Math.max(floor, onlyReadyOnesHelp ? 0 : summary.busy + summary.starting);
}

/** Idle containers that are no longer worth keeping, and starts that nobody waits for any more. */
function spareOf({ summary, observed, alive, floor }: View, gaps: IdleGaps): Pick<Decision, 'stop' | 'cancel' | 'wakeAt'> {
  const startMs = nextStartMs(observed);
  const { idleForMs } = summary;
  const spare = Math.min(alive - floor, idleForMs.length);
  const leftMs = (n: number): number => idleWindowMs(gaps, alive - n, startMs) - notNeededMs(gaps, alive - n, summary.now);
  let stop = 0;
  while (stop < spare && leftMs(stop) <= 0) stop++;
  const wakeAt = stop < spare ? summary.now + leftMs(stop) : null;
  let cancel = 0;
  if (summary.queued === 0) {
    const most = Math.min(summary.starting, alive - stop - floor);
    while (cancel < most && idleWindowMs(gaps, alive - stop - cancel, startMs) === 0) cancel++;
  }
  return { stop, cancel, wakeAt };
}

/** What a target costs that leaves no time for a start, or that it cannot be met. */
function noteFor(summary: FleetSummary, settings: ScalingSettings, memory: Json): string | null {
  const { observed } = summary;
  if (!observed) return null;
  const { correction, standing } = memory as unknown as Memory;
  const { floor } = viewOf({ summary, settings, observed, correction, standing });
  const latency = settings.slo.latencyMs / 1000;
  const takes = observed.service.mean + observed.outsideSeconds;
  const slack = latency - takes;
  if (observed.ended > 0 && slack < 0)
    return `Jobs take ${takes.toFixed(1)} s and the target is ${latency} s: no number of containers can meet it.`;
  if (slack >= observed.startSeconds) return null;
  const why = `since a start takes ${observed.startSeconds.toFixed(1)} s and a job can wait only ${Math.max(0, slack).toFixed(1)} s`;
  const costOf = (containers: number): string => (summary.price === null ? '' : ` for $${(containers * summary.price).toFixed(2)} an hour`);
  if (floor > settings.minContainers)
    return `${floor} stand ready${costOf(floor)}, ${why}. With starts faster than that none would have to.`;
  if (floor > 0 || observed.missed <= (1 - settings.slo.p) * observed.ended) return null;
  return `A job that comes when nothing runs is late, ${why}. min_containers=1 keeps one ready${costOf(1)}.`;
}

/** What an idle container saves while it stays: a start, and loading models. Milliseconds. */
const nextStartMs = ({ startSeconds, loadSeconds }: Observed): number => 1000 * (startSeconds + loadSeconds);

function reasonFor(
  { settings, floor, standing, observed }: View,
  done: { start: number; stop: number; cancel: number },
  wanted: { planned: number; backlog: number; floor: number; late: number },
): string {
  if (done.start === 0) {
    if (done.stop > 0) return 'its next start is cheaper than keeping it';
    return done.cancel > 0 ? 'nobody waits for it any more' : 'enough';
  }
  if (done.start === wanted.planned) return `${jobsOf(wanted.planned)} would be late otherwise`;
  if (done.start === wanted.backlog) return `late: ${jobsOf(wanted.late)} to work off`;
  if (floor === settings.minContainers) return `min_containers ${floor}`;
  return floor > standing ? `bursts need ${floor}` : `${observed.rate.toFixed(2)} jobs per second need ${floor}`;
}

const jobsOf = (count: number): string => `${count} queued ${count === 1 ? 'job' : 'jobs'}`;
