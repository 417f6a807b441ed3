import type { ClosedLoop } from './closed-loop.ts';

/** Users of a closed loop in numbers alone, so that they can be sent from thread to thread. */
export interface UniformUsers {
  readonly users: number;
  /** Nobody asks from then on. */
  readonly endMs: number;
  /** Least and longest pause, drawn uniformly. */
  readonly pauseMs: readonly [number, number];
  /** Samples of a job's exclusive time on the GPU, of which each job draws one. */
  readonly serviceMs: readonly number[];
  readonly seed: number;
}

/** As many users from the beginning to the end. */
export const closedLoopOf = ({ users, endMs, pauseMs: [least, most], serviceMs, seed }: UniformUsers): ClosedLoop => ({
  name: `${users} users`,
  levels: [{ fromMs: 0, users, overMs: 0 }],
  endMs,
  pauseMs: (draw) => Math.round(draw.between(least, most)),
  serviceMs: (draw) => serviceMs[Math.floor(draw.uniform() * serviceMs.length)] as number,
  seed,
});

export const meanServiceMs = ({ serviceMs }: UniformUsers): number => serviceMs.reduce((sum, ms) => sum + ms, 0) / serviceMs.length;

/** Milliseconds from one job of a user to its next, in the mean, if it need not wait for a container. */
export const cycleMs = (users: UniformUsers, outsideMs: number): number =>
  Math.max(1, meanServiceMs(users) + outsideMs + (users.pauseMs[0] + users.pauseMs[1]) / 2);
