import type { ContainerRecord } from '../../fleet/container.ts';
import type { LimitedDecision } from '../../fleet/scaling/limits.ts';
import type { Deployment } from '../../deployments/deployment.ts';
import type { ToldJob } from '../../jobs/job.ts';
import type { DecisionRecord } from '../../store/store.ts';
import { formatDuration } from '../../config/duration.ts';
import { formatScaling, scalingRows } from '../../config/scaling.ts';
import type { LineState, LiveEvent } from './document.ts';
import { containerName, count, jobName, seconds } from './names.ts';

/** Events that a document carries. */
const shown = 100;
/** Jobs come often: only so many of them stand among the events, so that they never wash out the rest. */
const shownJobs = 12;

/** The last things that happened, in words. */
export class LiveEvents {
  #rest: LiveEvent[] = [];
  #jobs: LiveEvent[] = [];
  #next = 1;

  /** `before` is the state in which the container was seen last; null: it is new. */
  container(record: ContainerRecord, before: LineState | null, now: number): void {
    const subject = containerName(record.id);
    const place = `${record.host} ${record.device}`;
    const add = (kind: LiveEvent['kind'], sentence: string, why: string | null): void =>
      this.#add({ t: now, kind, subject, sentence, why });
    if (before === null && record.state === 'starting') add('starting', `starts on ${place}`, record.startReason);
    if (before === 'starting' && (record.state === 'ready' || record.state === 'busy')) {
      const took = ((record.readyAt ?? now) - record.startedAt) / 1000;
      add('ready', `ready on ${place} after ${seconds(took)}`, longestPhase(record));
    }
    if (before === null) return;
    if (record.state === 'draining' && before !== 'draining') add('draining', 'drains', record.stopReason);
    if (record.state === 'stopped') add('stopped', 'stopped', `${record.stopReason ?? 'asked to'}; ${count(record.jobsDone, 'job')} done`);
    if (record.state === 'failed') {
      add('failed', before === 'starting' ? `failed to start on ${place}` : `was lost on ${place}`, record.failure?.message ?? null);
    }
  }

  jobStarted(job: ToldJob, now: number): void {
    if (job.container === null) return;
    const why = job.attempts > 1 ? `attempt ${job.attempts}` : null;
    this.#add({ t: now, kind: 'busy', subject: containerName(job.container), sentence: `took job ${jobName(job.id)}`, why });
  }

  jobFinished(job: ToldJob, now: number): void {
    if (job.state !== 'failed' && job.state !== 'expired') return;
    const sentence = job.state === 'failed' ? 'failed' : 'passed its deadline';
    this.#add({
      t: now,
      kind: 'job_failed',
      subject: jobName(job.id),
      sentence,
      why: job.error ? `${job.error.code}: ${job.error.message}` : null,
    });
  }

  decision(record: DecisionRecord): void {
    const { start = 0, stop = 0, drain = 0 } = (record.data['limited'] ?? {}) as Partial<LimitedDecision>;
    if (record.kind !== 'scale' || start + stop + drain === 0) return;
    const said = [
      start > 0 ? `starts ${count(start, 'container')}` : '',
      stop + drain > 0 ? `gives up ${count(stop + drain, 'container')}` : '',
    ];
    this.#add({ t: record.at, kind: 'scale', subject: record.deployment, sentence: said.filter(Boolean).join(', '), why: record.reason });
  }

  /** `before`: null when it is new. */
  deployment(deployment: Deployment, before: Deployment | null, now: number): void {
    const changes = before === null ? ['is new'] : changesOf(before, deployment);
    if (changes.length === 0) return;
    const why = deployment.problems[0]?.message ?? null;
    this.#add({ t: now, kind: 'deployment', subject: deployment.name, sentence: changes.join(', '), why });
  }

  /** Newest first. */
  list(): LiveEvent[] {
    return [...this.#rest, ...this.#jobs].toSorted((a, b) => b.id - a.id).slice(0, shown);
  }

  #add(event: Omit<LiveEvent, 'id'>): void {
    const numbered = { ...event, id: this.#next++ };
    if (event.kind === 'busy') this.#jobs = [...this.#jobs.slice(1 - shownJobs), numbered];
    else this.#rest = [...this.#rest.slice(1 - shown), numbered];
  }
}

/** What is other now: settings with their old and new value, the revision, and what it answers. */
function changesOf(before: Deployment, after: Deployment): string[] {
  const settings = (of: Deployment): ReadonlyMap<string, string> =>
    new Map([...scalingRows(formatScaling(of.scaling)), ['execution_timeout', formatDuration(of.executionTimeoutMs)]]);
  const old = settings(before);
  const changed = [...settings(after)].filter(([name, value]) => old.get(name) !== value);
  const broken = after.problems.length > 0;
  return [
    ...changed.map(([name, value]) => `${name} from ${old.get(name)} to ${value}`),
    ...(before.revision === after.revision ? [] : [`has the new revision ${after.revision.slice(-6)}`]),
    ...(before.default === after.default ? [] : [after.default ? 'answers POST / now' : 'no longer answers POST /']),
    ...(before.problems.length > 0 === broken ? [] : [broken ? 'cannot run' : 'can run again']),
  ];
}

function longestPhase(record: ContainerRecord): string | null {
  const phases = record.phases
    .filter((phase) => phase.to !== null)
    .map((phase) => ({ name: phase.phase, took: (phase.to ?? 0) - phase.from }));
  const longest = phases.toSorted((a, b) => b.took - a.took)[0];
  return longest && phases.length > 1 ? `longest part: ${longest.name}, ${seconds(longest.took / 1000)}` : null;
}
