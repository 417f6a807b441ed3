import type { Deployment } from './shapes.ts';

/** A setting that would be another one: its name, before, after. */
export interface Changed {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** What differs once the change is applied. A change names every setting of its policy, so that those of the former one go. */
export function changedSettings(scaling: Deployment['scaling'], change: Readonly<Record<string, unknown>>): Changed[] {
  const { slo, ...rest } = change;
  const before = new Map(rowsOf(scaling));
  const after = new Map(rowsOf({ ...scaling, ...rest, slo: { ...scaling.slo, ...(slo as object | undefined) } }));
  return [...new Set([...after.keys(), ...before.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => ({ name, before: before.get(name) ?? '-', after: after.get(name) ?? '-' }));
}

/** Name and value, inner ones as `slo.p`; settings of the policy under their own names. */
const rowsOf = (settings: Readonly<Record<string, unknown>>, prefix = ''): [string, string][] =>
  Object.entries(settings).flatMap(([key, value]): [string, string][] =>
    typeof value === 'object' && value !== null
      ? rowsOf(value as Record<string, unknown>, key === 'policy_settings' ? '' : `${prefix}${key}.`)
      : [[`${prefix}${key}`, value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value)]],
  );
