import type { PolicySetting } from './policy.ts';
import type { ScalingSettings } from './settings.ts';

/** One of a policy's own settings as it is in force: what was configured, or its default. */
export function ownSetting<Name extends string>(table: Record<Name, PolicySetting>, settings: ScalingSettings, name: Name): number {
  return settings.policySettings[name] ?? table[name].default;
}
