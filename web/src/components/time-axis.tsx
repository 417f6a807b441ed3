import { minuteOfDay, timeOfDay } from '../format.ts';

export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

const steps = [5_000, 10_000, 30_000, 60_000, 120_000];

export interface Tick {
  readonly t: number;
  readonly label: string;
}

/** Round times of a range, at most seven of them, with seconds where they are less than a minute apart. */
export function ticksOf({ from, to }: TimeRange): Tick[] {
  const step = steps.find((one) => (to - from) / one <= 6) ?? 120_000;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, index) => {
    const t = first + index * step;
    return { t, label: step < 60_000 ? timeOfDay(t) : minuteOfDay(t) };
  });
}

/** The times below the life lines. */
export function TimeAxis({ range, live }: { range: TimeRange; live: boolean }) {
  const ticks = ticksOf(range);
  const last = ticks.at(-1);
  const share = (t: number): number => ((t - range.from) / (range.to - range.from)) * 100;
  return (
    <div className="lane axis" aria-hidden="true">
      <span />
      <svg className="chart">
        {ticks.map(({ t, label }) => (
          <text key={t} x={`${share(t)}%`} y="12" textAnchor={share(t) < 4 ? 'start' : share(t) > 96 ? 'end' : 'middle'}>
            {label}
          </text>
        ))}
        {share(last?.t ?? range.from) < ((last?.label.length ?? 0) > 5 ? 82 : 90) && (
          <text x="100%" y="12" textAnchor="end">
            {live ? 'now' : timeOfDay(range.to)}
          </text>
        )}
      </svg>
      <span />
    </div>
  );
}
