import type { Slo } from '../planning/summary.ts';
import { cheapest, fastStartMs, type Run, type Runs } from './replay.ts';

export interface AdviceInput {
  readonly runs: Runs;
  readonly slo: Pick<Slo, 'p' | 'latencyMs'>;
  /** Containers that there is room for, by the machine's slots and the deployment's own limit. */
  readonly room: number;
  /** Length of the window. */
  readonly windowMs: number;
  /** Price of a container for an hour; null: none is set. */
  readonly usdPerHour: number | null;
  /** USD that may be spent in an hour; null: no hard budget is set. */
  readonly budget: number | null;
  /** Share of the jobs that can meet the target at all, and the latency that its share of them could meet. */
  readonly possible: { readonly share: number; readonly latencyMs: number };
}

/** What saves less is not worth a change. */
const leastSaving = 0.1;

/** What to change, in one sentence or two, from a replay of the last day. All of its figures are simulated, and it says so. */
export function advise(input: AdviceInput): string {
  const words = wordsOf(input);
  // The target's name, p95, is no word.
  const begun = /^p\d/.test(words) ? words : `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return `${begun} (simulated on the last ${spanOf(input.windowMs)}).`;
}

function wordsOf(input: AdviceInput): string {
  const { runs, slo, possible } = input;
  const [now, ...others] = runs.candidates;
  if (possible.share < slo.p) {
    const instead = `with enough containers ${targetOf({ ...slo, latencyMs: possible.latencyMs })} is possible`;
    return `${targetOf(slo)} cannot be met: only ${percent(possible.share)} of the jobs take no longer than that by themselves; ${instead}`;
  }
  const policy = cheapest([now, ...others].filter(({ meets }) => meets));
  const floor = runs.floor && isForbidden(runs.floor, input) ? null : runs.floor;
  const best = cheapest([policy, floor].filter((one) => one !== null));
  if (best === null) return nothingMeets(input, [now, ...others]);
  if (now.meets && best.gpuSeconds > (1 - leastSaving) * now.gpuSeconds) return nothingToChange(input, now);
  if (best === floor) return standing(input, floor, now);
  const met = `policy ${best.label} would have met ${targetOf(slo)} (${percent(best.attainment)} of the jobs)`;
  return `${met} for ${costOf(best, input)}${against(now, input)}`;
}

/** What the settings of now come to. */
const against = (now: Run, input: AdviceInput): string =>
  now.meets ? ` instead of ${costOf(now, input)}` : `; ${now.label} comes to ${percent(now.attainment)} for ${costOf(now, input)}`;

function nothingToChange(input: AdviceInput, now: Run): string {
  const met = `${now.label} meets ${targetOf(input.slo)} (${percent(now.attainment)} of the jobs)`;
  return `nothing to change: ${met} for ${costOf(now, input)}${faster(now, input)}`;
}

function nothingMeets(input: AdviceInput, tried: readonly Run[]): string {
  const best = tried.reduce((one, other) => (other.attainment > one.attainment ? other : one));
  const { attainment, label } = best;
  const { budget, usdPerHour } = input;
  const within = budget === null || usdPerHour === null ? '' : ` within the hard budget of $${figure(budget)} an hour`;
  return `no setting that was tried meets ${targetOf(input.slo)}${within}; the nearest, ${label}, comes to ${percent(attainment)} of the jobs${beyond(input)}${faster(null, input)}`;
}

/** More than the budget: containers that always run, of which nothing else is known to be enough. */
function beyond(input: AdviceInput): string {
  const { floor } = input.runs;
  if (!floor || !isForbidden(floor, input)) return '';
  return `; ${someOf(floor)} always on would meet it for ${costAlwaysOn(floor, input)}`;
}

type Floor = NonNullable<Runs['floor']>;

/** A hard budget does not pay for so many that always run. */
export const isForbidden = ({ containers }: Floor, { budget, usdPerHour }: Pick<AdviceInput, 'budget' | 'usdPerHour'>): boolean =>
  budget !== null && usdPerHour !== null && containers * usdPerHour > budget * (1 + 1e-9);

const someOf = ({ containers }: Floor): string => `${containers} ${containers === 1 ? 'container' : 'containers'}`;

const costAlwaysOn = ({ containers }: Floor, input: AdviceInput): string =>
  costOf({ gpuSeconds: (containers * input.windowMs) / 1000 }, input);

/** No policy is cheaper than containers that always run. */
function standing(input: AdviceInput, floor: Floor, now: Run): string {
  const room = floor.containers > input.room ? `, and there is room for ${input.room}` : '';
  return `${targetOf(input.slo)} needs ${someOf(floor)} always on (${costAlwaysOn(floor, input)})${room}${against(now, input)}${faster(floor, input)}`;
}

/** What faster starts would save, where they would. */
function faster(than: Run | null, input: AdviceInput): string {
  const { fast } = input.runs;
  if (!fast || (than !== null && fast.gpuSeconds > (1 - 2 * leastSaving) * than.gpuSeconds)) return '';
  return `; with starts of ${fastStartMs / 1000} s it would cost about ${costOf(fast, input)}`;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** From a window this long a day can be told. */
const tellsDayMs = 12 * hourMs;

/** By the day, where the window tells of one; else by the hour. Container time where no price is set. */
function costOf({ gpuSeconds }: Pick<Run, 'gpuSeconds'>, { windowMs, usdPerHour }: AdviceInput): string {
  const daily = windowMs >= tellsDayMs;
  const hours = (gpuSeconds / 3600) * ((daily ? dayMs : hourMs) / windowMs);
  const per = daily ? 'a day' : 'an hour';
  if (usdPerHour === null) return `${figure(hours)} container-hours ${per}`;
  return `$${figure(hours * usdPerHour)} ${per}`;
}

const figure = (value: number): string => (value >= 0.1 || value === 0 ? value.toFixed(2) : value.toPrecision(2));

const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`;

const targetOf = ({ p, latencyMs }: Pick<Slo, 'p' | 'latencyMs'>): string =>
  `p${Number((p * 100).toFixed(1))} of ${Number((latencyMs / 1000).toFixed(1))} s`;

function spanOf(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
