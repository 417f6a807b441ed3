import { createHash } from 'node:crypto';
import { ComfleetError } from '../errors.ts';
import type { DecisionRecord } from '../store/store.ts';

/**
 * JSON with sorted keys and no spaces: equal values give equal bytes. Fields that are undefined are left out.
 * Error: `internal` for what JSON cannot carry (a number that is not finite, a function), since it would not come back the same.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && isPlain(value)) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${sorted.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`;
  }
  throw new ComfleetError('internal', `a decision record holds what JSON cannot carry, of type ${typeof value}`);
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** SHA-256, hex, of the canonical JSON of a decision's data. */
export const hashDecision = (data: Readonly<Record<string, unknown>>): string =>
  createHash('sha256').update(canonicalJson(data)).digest('hex');

/** What came out of a replay: `same` when the record is intact and every recomputed field has the recorded bytes. */
export interface Replay {
  readonly same: boolean;
  /** False: the record was changed after it was written. */
  readonly intact: boolean;
  /** Recomputed fields whose bytes differ. */
  readonly differences: readonly { readonly field: string; readonly recorded: string; readonly recomputed: string }[];
}

/**
 * Recomputes a recorded decision and compares bytes. `recompute` gets the recorded data and returns the fields that a decision
 * makes (for scaling: `decision` and `limited`), from the others alone.
 */
export function replayDecision(
  record: DecisionRecord,
  recompute: (data: DecisionRecord['data']) => Readonly<Record<string, unknown>>,
): Replay {
  const intact = hashDecision(record.data) === record.hash;
  const differences = Object.entries(recompute(record.data)).flatMap(([field, value]) => {
    const recorded = canonicalJson(record.data[field] ?? null);
    const recomputed = canonicalJson(value ?? null);
    return recorded === recomputed ? [] : [{ field, recorded, recomputed }];
  });
  return { same: intact && differences.length === 0, intact, differences };
}
