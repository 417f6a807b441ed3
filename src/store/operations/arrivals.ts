import type { DatabaseSync } from 'node:sqlite';
import { all, one } from '../../sqlite/connection.ts';
import type { ArrivalRow } from '../rows.ts';
import type { Arrival, ArrivalWindow } from '../store.ts';

/** Jobs of before GPU times were kept, and those whose container was not heard, have the run time of their only attempt, which is a little longer. */
const gpuMs = `coalesce(gpu_ms, CASE WHEN state = 'succeeded' AND attempts = 1 THEN json_extract(timing, '$.run') END)`;

const within = 'deployment = ? AND environment = ? AND created_at >= ? AND created_at < ?';
const valuesOf = ({ deployment, environment, from, to }: ArrivalWindow): [string, string, number, number] => [
  deployment,
  environment,
  from,
  to,
];

/** See `Store.arrivals`. */
export function arrivals(db: DatabaseSync, input: ArrivalWindow & { after: Arrival['place'] | null; limit: number }): ArrivalRow[] {
  const { after, limit } = input;
  // Begun at the last page's end, so that a page costs the same wherever it lies.
  const window = valuesOf({ ...input, from: Math.max(input.from, after?.at ?? input.from) });
  return all<ArrivalRow>(
    db,
    `SELECT num, created_at, ${gpuMs} AS gpu_ms, workflow_class, model_key, key_id, state, finished_at FROM jobs
     WHERE ${within} AND (created_at, num) > (?, ?) ORDER BY created_at, num LIMIT ?`,
    ...window,
    after?.at ?? -1,
    after?.num ?? -1,
    limit,
  );
}

/** See `Store.gpuTimes`. */
export function gpuTimes(db: DatabaseSync, input: ArrivalWindow): { workflow: string; jobs: number; meanMs: number }[] {
  return all(
    db,
    `SELECT workflow_class AS workflow, count(gpu) AS jobs, avg(gpu) AS meanMs
     FROM (SELECT workflow_class, ${gpuMs} AS gpu FROM jobs WHERE ${within} AND state = 'succeeded')
     WHERE gpu IS NOT NULL GROUP BY workflow_class ORDER BY workflow_class`,
    ...valuesOf(input),
  );
}

/** See `Store.arrivalFromEnd`. */
export function arrivalFromEnd(db: DatabaseSync, input: ArrivalWindow & { n: number }): number | null {
  const row = one(
    db,
    `SELECT created_at FROM jobs WHERE ${within} ORDER BY created_at DESC LIMIT 1 OFFSET ?`,
    ...valuesOf(input),
    input.n - 1,
  );
  return row === undefined ? null : Number(row['created_at']);
}
