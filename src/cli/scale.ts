import type { DeploymentWire } from './shapes.ts';
import { isOwnSetting } from '../config/policy-settings.ts';
import { scalingRows, scalingSynonyms } from '../config/scaling.ts';
import { policyNames } from '../fleet/scaling/settings.ts';
import { UsageError } from './failure.ts';
import { table } from './terminal.ts';
import { jsonOrText, pairs, type Session, type VerbSpec } from './verb.ts';

const example = 'comfleet scale collage min_containers=1 max_containers=10';

/** `comfleet scale`: shows scaling settings, and changes them live. */
export const scaleVerb: VerbSpec = {
  name: 'scale',
  usage: '<deployment> [settings...]',
  summary: 'change scaling settings of a deployment live; without settings: show them',
  examples: [
    example.slice('comfleet '.length),
    'scale collage scaledown_window=5m slo.latency=4s budget.usd_per_hour=none',
    'scale collage policy=concurrency target_utilization=0.9',
    'scale collage',
  ],
  run: scale,
};

async function scale({ client, args, terminal, paint, print }: Session): Promise<void> {
  const [name = '', ...settings] = args;
  const path = `/fleet/v1/deployments/${encodeURIComponent(name)}`;
  const before = await client.call<DeploymentWire>('GET', path);
  if (settings.length === 0) {
    print(before.scaling, () => table(['setting', 'value'], scalingRows(before.scaling), paint));
    return;
  }
  const change = withOwnSettings(changeOf(settings), before.scaling['policy']);
  for (const key of Object.keys(change)) {
    const meant = scalingSynonyms[key];
    if (meant !== undefined) terminal.err.write(`used ${meant} for ${key}\n`);
  }
  const { scaling } = await client.call<DeploymentWire>('PATCH', `${path}/scaling`, change);
  const changed = changedRows(before.scaling, scaling);
  print(scaling, () => (changed.length === 0 ? 'nothing changed\n' : table(['setting', 'before', 'now'], changed, paint)));
}

/** Settings that are not what they were: name, before, now. */
export function changedRows(before: DeploymentWire['scaling'], now: DeploymentWire['scaling']): string[][] {
  const old = new Map(scalingRows(before));
  return scalingRows(now)
    .filter(([key, value]) => old.get(key) !== value)
    .map(([key, value]) => [key, old.get(key) ?? '', value]);
}

/** Settings of the policy's own stand under `policy_settings` in a change; on the command line they need not. `now`: its policy before. */
function withOwnSettings(change: Record<string, unknown>, now: unknown): Record<string, unknown> {
  const policy = policyNames.find((name) => name === (change['policy'] ?? now));
  const own = Object.entries(change).filter(([key]) => policy !== undefined && isOwnSetting(policy, key));
  if (own.length === 0) return change;
  const others = Object.entries(change).filter(([key]) => !own.some(([name]) => name === key));
  const nested = change['policy_settings'] as object | undefined;
  return { ...Object.fromEntries(others), policy_settings: { ...nested, ...Object.fromEntries(own) } };
}

/** `slo.latency=4s` and its like as the body of the request; later ones win. */
export function changeOf(settings: readonly string[]): Record<string, unknown> {
  const change: Record<string, unknown> = {};
  for (const [key, text] of pairs(settings, example)) {
    const [outer = '', inner, ...more] = key.split('.');
    if (more.length > 0) throw new UsageError(`${key} is no setting; see comfleet scale --help`);
    const value = jsonOrText(text);
    if (inner === undefined) change[outer] = value;
    else change[outer] = { ...(change[outer] as object | undefined), [inner]: value };
  }
  return change;
}
