import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseExact } from '../exact-json.ts';
import { unreadable, UsageError } from './failure.ts';
import { changeOf } from './scale.ts';
import type { DeploymentWire } from './shapes.ts';
import { plain, table } from './terminal.ts';
import type { Session, VerbSpec } from './verb.ts';

/** `comfleet deploy`: a workflow file becomes a deployment, or a new revision of one. */
export const deployVerb: VerbSpec = {
  name: 'deploy',
  usage: '<file>',
  summary: 'offer a workflow (exported from ComfyUI with "Export (API)") over HTTP',
  examples: ['deploy collage.json', 'deploy flows/portrait.json --name portrait --default --set max_containers=4'],
  options: (command) =>
    command
      .option('--name <name>', "the deployment's name; else that of the file")
      .option('--default', 'it serves POST / from now on')
      .option('--set <key=value...>', 'scaling settings, as of comfleet scale'),
  run: deploy,
};

async function deploy({ client, args, options, terminal, paint, print }: Session): Promise<void> {
  const file = path.resolve(terminal.cwd, args[0] ?? '');
  const settings = changeOf((options['set'] as string[] | undefined) ?? []);
  const deployment = await client.call<DeploymentWire>('POST', '/fleet/v1/deployments', {
    name: typeof options['name'] === 'string' ? options['name'] : nameFrom(file),
    graph: await readGraph(file),
    ...(options['default'] === true ? { default: true } : {}),
    ...(Object.keys(settings).length === 0 ? {} : { scaling: settings }),
  });
  print(deployment, () =>
    [
      `${paint.bold(deployment.name)}${deployment.default ? ' (default)' : ''} at ${client.url}${deployment.url}\n`,
      ...deployment.problems.map(({ message }) => `${paint.yellow('problem')} ${plain(message)}\n`),
      inputTable(deployment, paint),
      `${paint.dim('try')} comfleet run ${deployment.name}${exampleInputs(deployment)}\n`,
    ].join(''),
  );
}

async function readGraph(file: string): Promise<unknown> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (!isUtf8(bytes)) throw new UsageError(`${file} is not UTF-8 text; export the workflow with "Export (API)"`);
  try {
    return parseExact(bytes.toString('utf8'));
  } catch (error) {
    throw new UsageError(
      `${file} is not JSON (${error instanceof Error ? error.message : String(error)}); export the workflow with "Export (API)"`,
    );
  }
}

/** `My Workflow_v2.json` makes `my-workflow-v2`. */
export function nameFrom(file: string): string {
  const name = path
    .parse(file)
    .name.toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  if (name === '') throw new UsageError(`${path.basename(file)} gives no name; write one with --name NAME`);
  return name;
}

interface Property {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly contentMediaType?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
}

/** The named inputs as rows. */
function inputTable({ inputs }: DeploymentWire, paint: Session['paint']): string {
  const properties = (inputs['properties'] ?? {}) as Readonly<Record<string, Property>>;
  const required = new Set(inputs['required'] as string[] | undefined);
  const rows = Object.entries(properties).map(([name, property]) => [
    name,
    typeOf(property),
    required.has(name) ? 'yes' : 'no',
    property.default === undefined ? '' : plain(JSON.stringify(property.default)).slice(0, 40),
    rangeOf(property),
    plain(property.description ?? ''),
  ]);
  return rows.length === 0 ? 'It has no inputs.\n' : table(['input', 'type', 'required', 'default', 'range', 'description'], rows, paint);
}

/** The inputs that must be given, or else the first text, as arguments of `comfleet run`. */
function exampleInputs({ inputs }: DeploymentWire): string {
  const properties = Object.entries((inputs['properties'] ?? {}) as Readonly<Record<string, Property>>);
  const required = new Set(inputs['required'] as string[] | undefined);
  const needed = properties.filter(([name, { default: value }]) => required.has(name) && value === undefined);
  const firstText = properties.filter(([, property]) => typeOf(property) === 'string').slice(0, 1);
  return (needed.length > 0 ? needed : firstText).map(([name, property]) => ` ${name}=${sample(property)}`).join('');
}

function sample(property: Property): string {
  const type = typeOf(property);
  if (type === 'image' || type === 'file') return '@FILE';
  if (type === 'enum') return JSON.stringify(property.enum?.[0] ?? '');
  if (type === 'boolean') return 'true';
  return type === 'string' || type === 'any' ? '"a regal phoenix"' : String(property.minimum ?? 1);
}

function typeOf({ type, enum: choices, format, contentMediaType }: Property): string {
  if (choices !== undefined) return 'enum';
  if (contentMediaType === 'image/*') return 'image';
  return format === 'uri-reference' ? 'file' : (type ?? 'any');
}

function rangeOf({ minimum, maximum, enum: choices }: Property): string {
  if (choices !== undefined) return plain(choices.slice(0, 5).map(String).join(', ') + (choices.length > 5 ? ', ...' : ''));
  // JSON has it as the nearest number that JavaScript can hold.
  const most = maximum === 2 ** 64 ? String(2n ** 64n - 1n) : (maximum ?? '');
  return minimum === undefined && maximum === undefined ? '' : `${minimum ?? ''} to ${most}`;
}
