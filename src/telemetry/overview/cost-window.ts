import type { CostPoint } from './document.ts';
import { Columns, columnMs, columnOf, columnsUntil, windowMs } from './window.ts';

export type Use = 'busy' | 'starting' | 'idle';

/** A stretch of a container's life and what it costs. */
export interface Stretch {
  readonly deployment: string;
  readonly use: Use;
  readonly from: number;
  readonly to: number;
  /** Dollars per hour of the container's share of its GPU; null: no price set. */
  readonly usdPerHour: number | null;
}

interface Column {
  /** Container-seconds. */
  readonly seconds: Record<Use, number>;
  readonly usd: Record<Use, number>;
  readonly usdByDeployment: Map<string, number>;
}

const emptyColumn = (): Column => ({
  seconds: { busy: 0, starting: 0, idle: 0 },
  usd: { busy: 0, starting: 0, idle: 0 },
  usdByDeployment: new Map(),
});

/** Container time and money of the window, by what the containers did. */
export class CostWindow {
  readonly #columns = new Columns(emptyColumn);

  /** Adds a stretch that has ended. */
  add(stretch: Stretch): void {
    addTo((column) => this.#columns.at(column), stretch);
  }

  /** The window until `now`, with stretches that go on. */
  read(now: number, open: readonly Stretch[]): CostReading {
    const columns = columnsUntil(now);
    const current = new Map(columns.map((column) => [column, copyOf(this.#columns.peek(column))]));
    for (const stretch of open) addTo((column) => current.get(column), stretch);
    const usdByDeployment = new Map<string, number>();
    const usd = { busy: 0, starting: 0, idle: 0 };
    for (const column of current.values()) {
      for (const [deployment, value] of column.usdByDeployment) add(usdByDeployment, deployment, value);
      for (const use of uses) usd[use] += column.usd[use];
    }
    const series = (pick: 'usd' | 'seconds', scale: number): CostPoint[] =>
      columns.map((t) => {
        const values = current.get(t)?.[pick] ?? { busy: 0, starting: 0, idle: 0 };
        const covered = Math.max(1, Math.min(columnMs, now - t)) / 1000;
        const per = scale / covered;
        return { t, busy: round(values.busy * per), starting: round(values.starting * per), idle: round(values.idle * per) };
      });
    return { usdPerMinute: series('usd', 60), containers: series('seconds', 1), usd, usdByDeployment };
  }
}

export interface CostReading {
  readonly usdPerMinute: CostPoint[];
  readonly containers: CostPoint[];
  /** Dollars in the window. */
  readonly usd: Readonly<Record<Use, number>>;
  readonly usdByDeployment: ReadonlyMap<string, number>;
}

export const uses: readonly Use[] = ['busy', 'starting', 'idle'];

function addTo(columnAt: (column: number) => Column | undefined, stretch: Stretch): void {
  const { use, usdPerHour, deployment, to } = stretch;
  const from = Math.max(stretch.from, to - windowMs - columnMs);
  for (let start = columnOf(from); start < to; start += columnMs) {
    const column = columnAt(start);
    if (!column) continue;
    const seconds = (Math.min(to, start + columnMs) - Math.max(from, start)) / 1000;
    column.seconds[use] += seconds;
    if (usdPerHour === null) continue;
    const usd = (seconds * usdPerHour) / 3600;
    column.usd[use] += usd;
    add(column.usdByDeployment, deployment, usd);
  }
}

const copyOf = (column: Column | undefined): Column =>
  column ? { seconds: { ...column.seconds }, usd: { ...column.usd }, usdByDeployment: new Map(column.usdByDeployment) } : emptyColumn();

const add = (sums: Map<string, number>, key: string, value: number): void => void sums.set(key, (sums.get(key) ?? 0) + value);

const round = (value: number): number => Math.round(value * 1e5) / 1e5;
