/** What goes wrong in a simulated fleet, as probabilities from 0 to 1. */
export interface Faults {
  /** That a job takes its container down with it. */
  readonly crashPerJob: number;
  /** That a start fails. */
  readonly failedStarts: number;
}
