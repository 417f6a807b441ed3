import { policies } from '../fleet/scaling/policies.ts';
import type { PolicySetting } from '../fleet/scaling/policy.ts';
import type { PolicyName, ScalingSettings } from '../fleet/scaling/settings.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { fixMark, unknownKey } from './fields.ts';

/** A policy's own settings, `policy_settings` in configuration: which there are depends on the policy, so the schema cannot tell. */

type Given = Readonly<Record<string, number | string>>;

/**
 * All settings of a policy: those given, then those it has already, then its defaults. What is unknown or unreadable stays in (as
 * NaN), for `checkPolicySettings` to name.
 */
export function policySettingsFrom(policy: PolicyName, given: Given, base: ScalingSettings): Record<string, number> {
  const { settings } = policies[policy];
  const defaults = Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, setting.default]));
  const kept = base.policy === policy ? base.policySettings : {};
  const read = Object.entries(given).map(([name, value]) => [name, readValue(settings[name], value)]);
  return { ...defaults, ...kept, ...Object.fromEntries(read) };
}

/** Settings as an earlier version stored them: what the policy does not know any more goes, what is new stands at its default. */
export function upgradePolicySettings(stored: ScalingSettings): ScalingSettings {
  const { settings } = policies[stored.policy];
  const before = stored.policySettings ?? {};
  return {
    ...stored,
    policySettings: Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, before[name] ?? setting.default])),
  };
}

/** Is this a setting of the policy's own? */
export const isOwnSetting = (policy: PolicyName, name: string): boolean => Object.hasOwn(policies[policy].settings, name);

/** What is wrong with them, by key. */
export function checkPolicySettings({ policy, policySettings }: ScalingSettings): { key: string; message: string }[] {
  const { settings } = policies[policy];
  return Object.entries(policySettings).flatMap(([name, value]) => {
    const key = `policy_settings.${name}`;
    const setting = settings[name];
    if (!setting) {
      const known = Object.keys(settings);
      return [{ key, message: known.length === 0 ? `${policy} has no settings of its own` : unknownKey(name, known) }];
    }
    if (value >= setting.min && value <= setting.max) return [];
    const range = `from ${written(setting, setting.min)} to ${written(setting, setting.max)}`;
    const kind = setting.unit === 'duration' ? 'a duration' : 'a number';
    return [{ key, message: `must be ${kind} ${range}${fixMark}${name}: ${written(setting, setting.default)}` }];
  });
}

/** In the spelling of configuration. */
export const formatPolicySettings = ({ policy, policySettings }: ScalingSettings): Record<string, number | string> =>
  Object.fromEntries(
    Object.entries(policySettings).map(([name, value]) => {
      const setting = policies[policy].settings[name];
      return [name, setting ? written(setting, value) : value];
    }),
  );

function readValue(setting: PolicySetting | undefined, value: number | string): number {
  if (setting?.unit === 'duration') return parseDuration(value) ?? Number.NaN;
  return typeof value === 'number' ? value : Number.NaN;
}

const written = ({ unit }: PolicySetting, value: number): number | string => (unit === 'duration' ? formatDuration(value) : value);
