/** What the API and the dashboard show of a deployment's shadow. Types only: the page shares them. Seconds, dollars, RFC 3339 times. */

export interface ShadowDocument {
  readonly deployment: string;
  readonly environment: string;
  /** `failed`: the last replay came to nothing; `result` is then an older one. */
  readonly state: 'off' | 'waiting' | 'ready' | 'failed';
  /** Why there is no result, or what failed; null: the result is that of the last replay. */
  readonly note: string | null;
  /** When the next replay begins; null: one is under way, or there will be none. */
  readonly next_at: string | null;
  readonly result: ShadowResult | null;
}

export interface ShadowResult {
  readonly at: string;
  /** Jobs that came in [from, to). */
  readonly window: { readonly from: string; readonly to: string; readonly jobs: number };
  readonly slo: { readonly p: number; readonly latency_s: number };
  /** What the simulation took for a start, and for what a job takes beside its time on the GPU. */
  readonly timing: { readonly start_s: number; readonly outside_s: number; readonly load_s: number };
  /** Price of a container for an hour; null: none is set. */
  readonly price_usd_per_hour: number | null;
  readonly measured: ShadowMeasured;
  /** Simulated over the window: with the settings of now, then with others. */
  readonly runs: readonly ShadowRun[];
  /** `name` of the cheapest run that meets the target within a hard budget; null: none does. */
  readonly best: string | null;
  /** No policy that meets the target can cost less; `ratio` is what the settings of now cost, simulated, by it. */
  readonly bound: { readonly gpu_seconds: number; readonly usd_per_hour: number | null; readonly ratio: number } | null;
  /** Why there is no bound. */
  readonly bound_note: string | null;
  /** What to change, in words. */
  readonly sentence: string;
}

/** What really happened in the window. */
export interface ShadowMeasured {
  /** Those that ended, but for cancelled ones, and those that wait for longer than the target. */
  readonly jobs: number;
  /** Share of them that was answered in time; null: there are none. */
  readonly attainment: number | null;
  readonly gpu_seconds: number;
  readonly usd_per_hour: number | null;
}

export interface ShadowRun {
  /** now, slo, per-input, per-input-5m, concurrency, request-count, fixed, or fast-starts. */
  readonly name: string;
  readonly label: string;
  readonly attainment: number;
  readonly meets: boolean;
  readonly p95_s: number;
  readonly gpu_seconds: number;
  readonly usd_per_hour: number | null;
  readonly peak_containers: number;
}
