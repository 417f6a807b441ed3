/** Queue and containers ahead, in equal steps of time from now. The last step stands for all later ones. */
export interface Outlook {
  /** Jobs that can still meet the target, by the step in which they must begin at the latest. */
  readonly latestStarts: readonly number[];
  /** Containers that are free now. */
  readonly idle: number;
  /** Busy and starting ones, by the step in which they become free. */
  readonly frees: readonly number[];
  /** Steps that a job takes. */
  readonly serviceSteps: number;
  /** Steps from the decision to start a container until it takes a job. */
  readonly startSteps: number;
}

export interface Plan {
  /** Starts for jobs that would be late without one and will not be with one, as far as they cannot be put off. */
  readonly start: number;
  /** Steps until the next such start; null: none is in sight. */
  readonly nextStartIn: number | null;
  /** Jobs that will be late whatever is started now. */
  readonly lost: number;
}

/**
 * Plays the queue forward, the most urgent job first, each container taking the next job as it becomes free. A job whose last moment passes
 * needs one container more, unless its moment is sooner than a start takes. A start that can be put off is: the queue may empty by itself.
 */
export function planStarts({ latestStarts, idle, frees, serviceSteps, startSteps }: Outlook): Plan {
  const steps = latestStarts.length;
  const waiting = [...latestStarts];
  const again = latestStarts.slice().fill(0);
  const stay = Math.max(1, Math.round(serviceSteps));
  const plan: { start: number; nextStartIn: number | null; lost: number } = { start: 0, nextStartIn: null, lost: 0 };
  let free = idle;
  let urgent = 0;
  for (let step = 0; step < steps - 1; step++) {
    free += (frees[step] as number) + (again[step] as number);
    let begun = 0;
    for (; free > begun && urgent < steps; urgent++) {
      const some = Math.min(free - begun, waiting[urgent] as number);
      waiting[urgent] = (waiting[urgent] as number) - some;
      begun += some;
      if ((waiting[urgent] as number) > 0) break;
    }
    free -= begun;
    const late = waiting[step] as number;
    waiting[step] = 0;
    if (late > 0) count(plan, late, step - startSteps);
    const helped = step < startSteps ? 0 : late;
    if (step + stay < steps) again[step + stay] = (again[step + stay] as number) + begun + helped;
  }
  return plan;
}

/** `ahead`: by how many steps a start made now would come before their last moment. */
function count(plan: { start: number; nextStartIn: number | null; lost: number }, jobs: number, ahead: number): void {
  if (ahead < 0) plan.lost += jobs;
  else if (ahead < 1) plan.start += jobs;
  else plan.nextStartIn ??= Math.floor(ahead);
}

/**
 * Last moments as they are planned for: sooner by a margin, since jobs may take longer than most; but not so soon that a start made now
 * would come too late where it would not.
 */
export function withMargin(latestStarts: readonly number[], margin: number, startSteps: number): number[] {
  const last = latestStarts.length - 1;
  const least = Math.ceil(startSteps);
  const moved = latestStarts.slice().fill(0);
  latestStarts.forEach((jobs, step) => {
    const sooner = step === last ? last : Math.max(Math.min(step, least), step - margin);
    moved[sooner] = (moved[sooner] as number) + jobs;
  });
  return moved;
}
