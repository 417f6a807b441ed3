import type { z } from 'zod';
import { ComfleetError } from '../errors.ts';
import { defaultScaling, policyNames, type ScalingSettings } from '../fleet/scaling/settings.ts';
import { formatDuration } from './duration.ts';
import { amount, duration, either, fixMark, flag, named, oneOf, section, text, whole } from './fields.ts';
import { checkPolicySettings, formatPolicySettings, policySettingsFrom } from './policy-settings.ts';

/** Scaling settings as configuration, API and command line write them: snake_case, durations as text. */

/** Names that other systems use, accepted in place of ours. */
export const scalingSynonyms: Readonly<Record<string, string>> = {
  keep_warm: 'min_containers',
  concurrency_limit: 'max_containers',
  container_idle_timeout: 'scaledown_window',
  allow_concurrent_inputs: 'max_inputs',
};

const orNone = (example: string, value: ReturnType<typeof whole> | ReturnType<typeof amount>, what: string) =>
  either(example, what, [value, oneOf(example, ['none'])])
    .nullable()
    .transform((given) => (given === 'none' ? null : given));

const slo = section('slo: {p: 0.95, latency: 6s}', {
  p: amount('p: 0.95', 0.5, 0.999).exactOptional().describe('Share of the jobs that must be answered within `latency`.'),
  latency: duration('latency: 6s', 1).exactOptional().describe('From accepted to finished.'),
  window: duration('window: 5m', 1_000).exactOptional().describe('Time over which the share is taken.'),
});

const budget = section('budget: {usd_per_hour: 5}', {
  usd_per_hour: orNone('usd_per_hour: 5', amount('usd_per_hour: 5', 0), 'a number >= 0, or none')
    .exactOptional()
    .describe(
      'What the containers of this deployment may cost by the prices of `gpus`; none: no limit. Unless `hard`, only the policy slo minds it: no ' +
        'more containers stand ready than it pays for.',
    ),
  hard: flag('hard: true')
    .exactOptional()
    .describe(
      'True: a limit even when jobs wait, for the mean. What was not spent is saved up, at most the money of an hour, so any hour costs at most ' +
        'twice the budget and any day at most 25 times; for some minutes up to 13 times as many containers may run as it pays for all the time. ' +
        'Once it is spent, jobs that would wait too long are refused (over_budget).',
    ),
});

/** The `scaling` mapping of a deployment; every key may be left out. */
export const scalingSection = section(
  'scaling: {max_containers: 10}',
  {
    min_containers: whole('min_containers: 2', 0, 10_000).exactOptional().describe('Containers kept ready always.'),
    max_containers: orNone('max_containers: 10', whole('max_containers: 10', 0, 10_000), 'a whole number >= 0, or none')
      .exactOptional()
      .describe('The limit in force; none: only those of the workspace and the machine. 0 stops the deployment.'),
    buffer_containers: whole('buffer_containers: 1', 0, 10_000).exactOptional().describe('Extra containers while there is traffic.'),
    scaledown_window: duration('scaledown_window: 60s').exactOptional().describe('An idle container goes after so long.'),
    max_inputs: whole('max_inputs: 1', 1, 1_000).exactOptional().describe('Prompts that may wait or run in one container at once.'),
    target_inputs: whole('target_inputs: 1', 1, 1_000)
      .exactOptional()
      .describe('Prompts per container that the policy aims at; as many as `max_inputs` when not given.'),
    policy: oneOf('policy: per-input', policyNames).exactOptional().describe('The rule that decides how many containers there should be.'),
    policy_settings: named(
      'policy_settings: {target_utilization: 0.7}',
      'a setting of the policy',
      /^[a-z_]+$/,
      either('target_utilization: 0.7', 'a number or a duration', [amount('target_utilization: 0.7', 0), text('stable_window: 60s')]),
    )
      .exactOptional()
      .describe("The policy's own settings; see the reference of policies. Those of another policy go when the policy changes."),
    slo: slo.exactOptional().describe('The latency target.'),
    budget: budget.exactOptional().describe('The money that may be spent.'),
  },
  Object.keys(scalingSynonyms),
);

export type ScalingFile = z.output<typeof scalingSection>;

/** Something wrong with a setting, by its key. */
export interface SettingProblem {
  readonly key: string;
  readonly message: string;
}

/**
 * Replaces synonyms by our names: `values` under our names only, a note `used X for Y` for each, and a problem where both are
 * given. Anything but a mapping comes back as it is, for the schema to refuse.
 */
export function renameSynonyms(raw: unknown): { values: unknown; notes: string[]; problems: SettingProblem[] } {
  const notes: string[] = [];
  const problems: SettingProblem[] = [];
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { values: raw, notes, problems };
  const values: Record<string, unknown> = { ...raw };
  for (const [synonym, name] of Object.entries(scalingSynonyms)) {
    if (!Object.hasOwn(values, synonym)) continue;
    if (Object.hasOwn(values, name)) {
      problems.push({ key: synonym, message: `is another name of ${name}, which is given too; keep only ${name}` });
    } else {
      values[name] = values[synonym];
      notes.push(`used ${name} for ${synonym}`);
    }
    delete values[synonym];
  }
  return { values, notes, problems };
}

/** Settings from a checked mapping, completed from `base` where only a part of `slo` or `budget` is given. */
export function scalingFrom(file: ScalingFile, base: ScalingSettings = defaultScaling): Partial<ScalingSettings> {
  const settings: { -readonly [K in keyof ScalingSettings]?: ScalingSettings[K] } = {};
  if (file.min_containers !== undefined) settings.minContainers = file.min_containers;
  if (file.max_containers !== undefined) settings.maxContainers = file.max_containers;
  if (file.buffer_containers !== undefined) settings.bufferContainers = file.buffer_containers;
  if (file.scaledown_window !== undefined) settings.scaledownWindowMs = file.scaledown_window;
  if (file.policy !== undefined) settings.policy = file.policy;
  if (file.policy !== undefined || file.policy_settings !== undefined) {
    settings.policySettings = policySettingsFrom(file.policy ?? base.policy, file.policy_settings ?? {}, base);
  }
  if (file.max_inputs !== undefined) {
    settings.maxInputs = file.max_inputs;
    // A target that nobody set apart follows the limit; one that was set keeps its value as far as it fits.
    const follows = base.targetInputs === base.maxInputs;
    settings.targetInputs = follows ? file.max_inputs : Math.min(base.targetInputs, file.max_inputs);
  }
  if (file.target_inputs !== undefined) settings.targetInputs = file.target_inputs;
  if (file.slo !== undefined) {
    const { p = base.slo.p, latency = base.slo.latencyMs, window = base.slo.windowMs } = file.slo;
    settings.slo = { p, latencyMs: latency, windowMs: window };
  }
  if (file.budget !== undefined) {
    const { usd_per_hour: usdPerHour = base.budget.usdPerHour, hard = base.budget.hard } = file.budget;
    settings.budget = { usdPerHour, hard };
  }
  return settings;
}

/** Rules between settings, checked on the whole of them. */
export function checkScaling(settings: ScalingSettings): SettingProblem[] {
  const problems: SettingProblem[] = checkPolicySettings(settings);
  const { minContainers, maxContainers, targetInputs, maxInputs, budget } = settings;
  if (maxContainers !== null && minContainers > maxContainers) {
    const message = `${minContainers} is more than max_containers, which is ${maxContainers}${fixMark}min_containers: ${maxContainers}`;
    problems.push({ key: 'min_containers', message });
  }
  if (targetInputs > maxInputs) {
    const message = `${targetInputs} is more than max_inputs, which is ${maxInputs}${fixMark}target_inputs: ${maxInputs}`;
    problems.push({ key: 'target_inputs', message });
  }
  if (budget.hard && budget.usdPerHour === null) {
    problems.push({ key: 'budget', message: `a hard budget needs usd_per_hour${fixMark}budget: {usd_per_hour: 5, hard: true}` });
  }
  return problems;
}

/**
 * A change of settings as API and command line send it. `base` is what the deployment has now: rules between settings hold for
 * both together. Synonyms are understood. Throws `invalid_parameter`, every problem in its message and in `details.errors`.
 */
export function parseScaling(value: unknown, base: ScalingSettings = defaultScaling): Partial<ScalingSettings> {
  const { values, problems } = renameSynonyms(value);
  const parsed = scalingSection.safeParse(values, { reportInput: true });
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [''];
      const lines = issue.message.split('\n');
      keys.forEach((key, index) => {
        problems.push({
          key: [...issue.path, ...(key === '' ? [] : [key])].join('.') || 'scaling',
          message: lines[index] ?? issue.message,
        });
      });
    }
  }
  const settings = parsed.success ? scalingFrom(parsed.data, base) : {};
  problems.push(...checkScaling({ ...base, ...settings }));
  if (problems.length === 0) return settings;
  throw refusal(problems);
}

/** Problems of settings as the error of a request. */
export const refusal = (problems: readonly SettingProblem[]): ComfleetError =>
  new ComfleetError('invalid_parameter', problems.map(({ key, message }) => `${key}: ${message}`).join('; '), {
    errors: problems.map(({ key, message }) => ({ path: key, message })),
  });

/** Formatted settings as rows of name and value, inner ones as `slo.p`; what is not set is `none`. */
export function scalingRows(formatted: Readonly<Record<string, unknown>>, prefix = ''): [string, string][] {
  return Object.entries(formatted).flatMap(([key, value]): [string, string][] =>
    typeof value === 'object' && value !== null
      ? scalingRows(value as Record<string, unknown>, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value)]],
  );
}

/** Settings under the names and in the spellings of configuration; `parseScaling` reads them back to the same. */
export function formatScaling(settings: ScalingSettings): Record<string, unknown> {
  return {
    min_containers: settings.minContainers,
    max_containers: settings.maxContainers,
    buffer_containers: settings.bufferContainers,
    scaledown_window: formatDuration(settings.scaledownWindowMs),
    max_inputs: settings.maxInputs,
    target_inputs: settings.targetInputs,
    policy: settings.policy,
    policy_settings: formatPolicySettings(settings),
    slo: { p: settings.slo.p, latency: formatDuration(settings.slo.latencyMs), window: formatDuration(settings.slo.windowMs) },
    budget: { usd_per_hour: settings.budget.usdPerHour, hard: settings.budget.hard },
  };
}
