import type { ContainerRecord } from '../../fleet/container.ts';
import type { LineState } from './document.ts';
import { windowMs } from './window.ts';

const maxStarts = 2_000;
const recentMs = 120_000;

interface Start {
  readonly at: number;
  /** Null: it failed. */
  readonly tookMs: number | null;
  readonly message: string | null;
}

/** How the starts of the window went. */
export class Starts {
  #ended: Start[] = [];

  /** A container was starting and is not any more, or something else that does not matter here. */
  container(record: ContainerRecord, before: LineState | null, now: number): void {
    if (before !== 'starting' || record.state === 'starting') return;
    const failed = record.state === 'failed';
    if (!failed && record.readyAt === null) return;
    this.#ended.push({
      at: now,
      tookMs: failed ? null : (record.readyAt ?? now) - record.startedAt,
      message: record.failure?.message ?? null,
    });
    if (this.#ended.length > maxStarts) this.#ended = this.#ended.slice(-maxStarts / 2);
  }

  read(now: number): {
    readonly starts: number;
    readonly meanStart: number | null;
    readonly failedStarts: number;
    readonly startFailure: string | null;
  } {
    this.#ended = this.#ended.filter((start) => start.at > now - windowMs);
    const good = this.#ended.flatMap((start) => (start.tookMs === null ? [] : [start.tookMs]));
    const lastGood = this.#ended.findLastIndex((start) => start.tookMs !== null);
    const failed = this.#ended.slice(lastGood + 1).filter((start) => start.at > now - recentMs);
    return {
      starts: good.length,
      meanStart: good.length === 0 ? null : good.reduce((sum, took) => sum + took, 0) / good.length / 1000,
      failedStarts: failed.length,
      startFailure: failed.at(-1)?.message ?? null,
    };
  }
}
