/** Queue and containers ahead in equal steps of time from now. The last step stands for all later ones. */
export interface Outlook {
  /** Jobs that can still meet the target, by the step in which they must begin at the latest. */
  readonly latestStarts: readonly number[];
  /** Containers that are free now. */
  readonly idle: number;
  /** Busy and starting ones, by the step in which they become free. */
  readonly frees: readonly number[];
  /** Steps that a job takes. */
  readonly serviceSteps: number;
  /** Steps from a start's decision until the container takes a job. */
  readonly startSteps: number;
}

export interface Plan {
  /** Starts for jobs that would be late without and would not be with them, and cannot be put off. */
  readonly start: number;
  /** Steps until the next start that can be put off until then; null: none is in sight. */
  readonly nextStartIn: number | null;
  /** Jobs that will be late whatever is started now. */
  readonly lost: number;
}

/**
 * Plays the queue forward, the most urgent job first, each container taking the next job as it becomes free. A job whose last moment passes
 * needs one more container, unless it passes sooner than a start takes. What can be put off is: until then the queue may have emptied by itself.
 */
export function planStarts({ latestStarts, idle, frees, serviceSteps, startSteps }: Outlook): Plan {
  const steps = latestStarts.length;
  const returns = new Array<number>(steps).fill(0);
  const again = Math.max(1, Math.round(serviceSteps));
  let [free, head, start, lost] = [idle, 0, 0, 0];
  const waiting = [...latestStarts];
  let nextStartIn: number | null = null;
  const comeBack = (step: number, count: number): void => {
    if (step + again < steps) returns[step + again]! += count;
  };
  for (let step = 0; step < steps - 1; step++) {
    free += (frees[step] as number) + (returns[step] as number);
    let taken = 0;
    while (free > 0 && head < steps) {
      const some = Math.min(free, waiting[head] as number);
      waiting[head]! -= some;
      free -= some;
      taken += some;
      if (waiting[head] === 0) head++;
    }
    comeBack(step, taken);
    const late = waiting[step] as number;
    if (late === 0) continue;
    waiting[step] = 0;
    if (step < startSteps) {
      lost += late;
      continue;
    }
    if (step < startSteps + 1) start += late;
    else nextStartIn ??= step - Math.ceil(startSteps);
    comeBack(step, late);
  }
  return { start, nextStartIn, lost };
}
