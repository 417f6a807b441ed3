import { otherVariables, settings } from '../../src/config/environment.ts';
import { formatScaling, scalingSynonyms } from '../../src/config/scaling.ts';
import { errorCatalogue } from '../../src/errors.ts';
import { defaultScaling } from '../../src/fleet/scaling/settings.ts';
import { workloadGroups } from '../../src/planning/workloads.ts';
import type { Workload } from '../../src/planning/workloads/workload.ts';

/** Reference pages that are made from data of the program. `npm test -- tidy -u` writes them anew. */

export function errorPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, fault, title, next }]) => `| \`${code}\` | ${status} | ${fault} | ${title}. ${next} |`,
  );
  return `# Errors

Every failure that a caller can see has a code. HTTP answers carry it in a problem document (RFC 9457): \`type\`, \`title\`, \`status\`,
\`detail\` (what happened to what), \`code\` and \`next\` (what to do). A job that did not succeed carries code and message in \`error\`.
"Mended by" says who can do something: the caller, whoever made the workflow, or whoever runs the fleet.

| Code | Status | Mended by | What it means, what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly default?: unknown;
}

export interface Key {
  /** `network.port`, `deployments.NAME.workflow`. */
  readonly path: string;
  readonly description: string | undefined;
  readonly default: unknown;
}

/** Every key of the configuration file, in the schema's order. */
export function keysOf(schema: Schema, path = ''): Key[] {
  const named = Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const here = path === '' ? name : `${path}.${name}`;
    const own = value.properties ? undefined : (value.default ?? scalingDefault(here));
    return [{ path: here, description: value.description, default: own }, ...keysOf(value, here)];
  });
  const anyName = typeof schema.additionalProperties === 'object' ? keysOf(schema.additionalProperties, `${path}.NAME`) : [];
  const items = schema.items ? keysOf(schema.items, `${path}[]`) : [];
  return [...named, ...anyName, ...items, ...(schema.anyOf ?? []).flatMap((option) => keysOf(option, path))];
}

/** Scaling settings take their defaults from the policy's own, not from the schema: a change of one must not reset the others. */
function scalingDefault(path: string): unknown {
  const [, names] = path.split('.scaling.');
  let value: unknown = names === undefined ? undefined : formatScaling(defaultScaling);
  for (const name of names?.split('.') ?? []) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

export function configurationPage(schema: Schema): string {
  const keys = keysOf(schema).filter(({ path }) => !(lastOf(path) in scalingSynonyms));
  const rows = keys.map(({ path, description = '', default: value }) => `| \`${path}\` | ${defaultText(value)} | ${cell(description)} |`);
  const variables = settings.map(
    ({ variable, flag, path, meaning, example }) =>
      `| \`${variable}\` | \`--${flag}\` | \`${path.join('.')}\` | ${cell(meaning)} | \`${example}\` |`,
  );
  const others = otherVariables.map(({ name, meaning, example }) => `| \`${name}\` | ${cell(meaning)} | \`${example}\` |`);
  const synonyms = Object.entries(scalingSynonyms).map(([synonym, name]) => `| \`${synonym}\` | \`${name}\` |`);
  return `# Configuration

Nothing needs configuring. What is, comes from \`comfleet.yaml\`, then \`COMFLEET_*\` variables, then flags: the later one wins. The file is
\`comfleet.yaml\` in the working folder, or the one that \`--config\` or \`COMFLEET_CONFIG\` names. Mistakes are refused with file, line, key and
the fix. Editors complete and check it with \`comfleet.schema.json\`: put \`# yaml-language-server: $schema=comfleet.schema.json\` on its first line.
Durations are written \`90s\`, \`5m\`, \`1h30m\`, \`7d\`.

## The file

| Key | Default | Meaning |
| --- | --- | --- |
${rows.join('\n')}

Settings that other platforms call otherwise are understood, and the name used instead is printed:

| Written | Means |
| --- | --- |
${synonyms.join('\n')}

## Variables and flags

| Variable | Flag | Key | Meaning | Example |
| --- | --- | --- | --- | --- |
${variables.join('\n')}

Variables that stand for no key:

| Variable | Meaning | Example |
| --- | --- | --- |
${others.join('\n')}
`;
}

export function workloadPage(): string {
  const table = (workloads: Readonly<Record<string, Workload>>): string =>
    [
      '| Name | What arrives | Part | Arrivals for | p95 within | A start takes | Source |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...Object.entries(workloads).map(
        ([name, { what, source, part, seconds, slo, startSeconds }]) =>
          `| \`${name}\` | ${cell(what)} | ${part} | ${lasting(seconds)} | ${slo.latencyMs / 1000} s | ${startSeconds.join(' or ')} s | ${cell(source)} |`,
      ),
    ].join('\n');
  return `# Workloads

What \`comfleet simulate --workload NAME --seed N\` draws; the same name and seed give the same jobs. "p95 within" and "a start takes" are
the cases in which policies are measured and compared; \`--slo\` and \`--start-seconds\` set them. Service times of 3.5 s are
lognormal with a coefficient of variation (CV) of 0.1: a small picture on an A10G.

"Part" tells what a result says of the policy \`slo\`; [policies, measured](policies-measured.md) reports each part apart:

- **in-sample**: \`slo\` was developed on it.
- **seen**: held out once, but \`slo\` was changed after results on it were looked at.
- **held-out**: \`slo\` was never adjusted on it.

## The suite

Policies are developed on these.

${table(workloadGroups.suite)}

## Published shapes

Parameters only; no row of any data set is here.

${table(workloadGroups.published)}

Statistics of a draw come near those of its source, not to them: an hour of \`azure-code\` has intervals with CV 11 to 16 and its busiest 10 s
at 8 to 12 times the mean. \`gentd26\` keeps the published dispersion of counts, shares of the models, P(next has the same model) = 0.253 and
service times; its nights are less empty than the trace's (20 % of the hours against 33 %).

Loads of base models, where jobs need several: 35 % from a cache in 2.8 s (sd 1.1 s), the others in 32.3 s (CV 0.30), so 22 s on the mean (GenTD26's
infrastructure part).

Sets that tell of prompts, models or training, but not of when pictures are asked for (Mooncake, Alibaba's GPU traces, DiffusionDB), give no
workload.

## Adversarial

What hurts most. Crashes and failed starts are faults of the simulated fleet, not of the jobs.

${table(workloadGroups.adversarial)}

## Made to be held out

APIs over ComfyUI as one might run them, written when results on all others had been seen, and before any policy was run on these.

${table(workloadGroups['held-out'])}

${ownTraces}`;
}

const ownTraces = `## Traces of your own

\`--trace FILE\` takes jobs that were recorded, as \`comfleet trace\` writes them or any other program.

| Column | Meaning |
| --- | --- |
| \`arrival_s\` | seconds from the begin of the trace, at most ten years (315 360 000); not seconds since 1970. The lines are sorted by it |
| \`service_s\` | seconds that the job takes on the GPU alone, at most a week (604 800) |
| \`model\` | optional: the model that it needs, which a container loads when it holds another |
| \`user\` | optional: whose job it is; jobs of different users take turns |
| \`workflow\` | optional: what policies learn times apart by |

As CSV, the first line names the columns and each further line is a job, separated by commas. Quotes are read as RFC 4180 has them, around names and
numbers too, but a line is always a whole job. Numbers are decimal (\`3.5\`, \`1e3\`). As JSON lines, each is an object with these names. The file is UTF-8.

## What a simulation does at its end

Containers are accounted for until \`--horizon\`, which may not lie before the last arrival and is that when left out, or until the last answer if that is
later. Jobs that nobody answers are given up, so that a run always ends: once nothing has come and nothing was answered for two hours, and for ten times
what the longest job's tries take on average with its start (\`max_containers=0\`, a hard budget of less than a 13th of the price, a threshold that is never
reached). The accounts end then. Such jobs count as missed in \`attainment\` and \`windows_attained\`; percentiles are of those that were answered, and
\`unfinished\` tells how many were not.
`;

function lasting(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${seconds / 86_400} days`;
  return seconds >= 3_600 ? `${seconds / 3_600} h` : `${seconds / 60} min`;
}

const lastOf = (path: string): string => path.split('.').at(-1) ?? path;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function defaultText(value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return 'none';
  return typeof value === 'object' && Object.keys(value).length === 0 ? 'none' : `\`${JSON.stringify(value)}\``;
}
