import type { RecordedCounts, Recording } from '../planning/recorder.ts';

const columns = 72;
const bars = ' ▁▂▃▄▅▆▇█';

/** Jobs in flight and containers over time, a line each: every bar is the mean of its time, as a part of the highest. */
export function chart({ periodMs, periods }: Recording): string {
  const lines = [
    line('in flight', periods, ({ queued, running }) => queued.mean + running.mean),
    line('containers', periods, ({ starting, busy, idle }) => starting.mean + busy.mean + idle.mean),
  ];
  const hours = (periods.length * periodMs) / 3_600_000;
  const span = hours >= 1 ? `${hours.toFixed(1)} h` : `${(hours * 60).toFixed(1)} min`;
  return `${lines.join('')}${' '.repeat(12)}0 to ${span}; each bar a mean\n`;
}

function line(name: string, periods: readonly RecordedCounts[], value: (counts: RecordedCounts) => number): string {
  const count = Math.min(columns, periods.length);
  const means = Array.from({ length: count }, (_, column) => {
    const part = periods.slice(Math.floor((column * periods.length) / count), Math.floor(((column + 1) * periods.length) / count));
    return part.reduce((sum, counts) => sum + value(counts), 0) / part.length;
  });
  const most = Math.max(...means, Number.MIN_VALUE);
  const drawn = means.map((mean) => bars[Math.ceil((mean / most) * (bars.length - 1))]).join('');
  return `${name.padEnd(12)}${drawn} highest ${most.toFixed(1)}\n`;
}
