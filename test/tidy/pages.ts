import { otherVariables, settings } from '../../src/config/environment.ts';
import { formatScaling, scalingSynonyms } from '../../src/config/scaling.ts';
import { errorCatalogue } from '../../src/errors.ts';
import { defaultScaling } from '../../src/fleet/scaling/settings.ts';

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

const lastOf = (path: string): string => path.split('.').at(-1) ?? path;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function defaultText(value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return 'none';
  return typeof value === 'object' && Object.keys(value).length === 0 ? 'none' : `\`${JSON.stringify(value)}\``;
}
