import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { ComfleetError } from '../errors.ts';
import { packageRoot } from '../version.ts';
import { configFrom } from './build.ts';
import { Complaints } from './complaints.ts';
import { fileSchema } from './file.ts';
import { renameSynonyms } from './scaling.ts';
import type { Config } from './schema.ts';
import { absolute, overlay, strangeVariables, type Environment, type Flags } from './sources.ts';
import { readYaml } from './yaml.ts';

export interface Loaded {
  readonly config: Config;
  /** Sentences for people: synonyms that were used, variables that look mistyped. */
  readonly notes: readonly string[];
}

export interface ConfigSource {
  /** Flags by name without dashes: `{port: '8288', 'data-dir': 'x'}`. */
  readonly flags: Flags;
  readonly env: Environment;
  /** Absolute. */
  readonly cwd: string;
  /** The file that ships with the package, read when there is no other; null: none. */
  readonly shipped?: string | null;
}

/**
 * The configuration: flags over variables over the file over defaults. The file is `--config`, else `COMFLEET_CONFIG`, else
 * `comfleet.yaml` in the working folder, else the shipped example. Throws `invalid_config` with every problem on a line of its own
 * in the message and in `details.errors`.
 */
export function loadConfig(source: ConfigSource): Loaded {
  const file = chooseFile(source);
  const yaml = readYaml(file === null ? '' : readText(file));
  const complaints = new Complaints(file, source.cwd, yaml);
  for (const { line, message } of yaml.errors) complaints.atLine(line, message);
  complaints.throwIfAny();

  if (typeof yaml.values !== 'object' || yaml.values === null || Array.isArray(yaml.values)) {
    complaints.atLine(1, 'must be a mapping of keys to values; write e.g. runtime: auto');
    complaints.throwIfAny();
  }
  const renamed = renameInDeployments(yaml.values as Record<string, unknown>, complaints);
  const laid = overlay(renamed.values, source);
  for (const { origin, message } of laid.problems) complaints.from(origin, message);
  complaints.origins = laid.origins;

  const parsed = fileSchema.safeParse(laid.values, { reportInput: true });
  if (!parsed.success) complaints.issues(parsed.error.issues);
  complaints.throwIfAny();
  if (!parsed.success) throw parsed.error;

  const base = file === null ? source.cwd : path.dirname(file);
  const config = configFrom(parsed.data, { file, cwd: source.cwd, resolve: (name) => absolute(name, base, source.env) }, complaints);
  complaints.throwIfAny();
  return { config, notes: [...renamed.notes, ...strangeVariables(source.env)] };
}

/** The example that ships with the package; null when it is not there. */
export function shippedConfig(): string | null {
  const file = path.join(packageRoot, 'examples', 'comfleet.yaml');
  return existsSync(file) ? file : null;
}

function chooseFile({ flags, env, cwd, shipped = shippedConfig() }: ConfigSource): string | null {
  const fromEnv = env['COMFLEET_CONFIG'];
  const [name, given] =
    typeof flags['config'] === 'string' ? ['--config', flags['config']] : ['COMFLEET_CONFIG', fromEnv === '' ? undefined : fromEnv];
  if (given !== undefined) {
    const file = absolute(given, cwd, env);
    if (existsSync(file) && statSync(file).isFile()) return file;
    throw new ComfleetError('invalid_config', `${name}: there is no file ${file}; name the comfleet.yaml to use`);
  }
  const local = path.join(cwd, 'comfleet.yaml');
  return existsSync(local) ? local : shipped;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ComfleetError('invalid_config', `${file}: cannot be read (${why}); check its permissions`, {}, { cause: error });
  }
}

function renameInDeployments(
  values: Record<string, unknown>,
  complaints: Complaints,
): { values: Record<string, unknown>; notes: string[] } {
  const notes: string[] = [];
  const deployments = values['deployments'];
  if (typeof deployments !== 'object' || deployments === null || Array.isArray(deployments)) return { values, notes };
  const renamed = Object.entries(deployments as Record<string, unknown>).map(([name, deployment]) => {
    if (typeof deployment !== 'object' || deployment === null || !('scaling' in deployment)) return [name, deployment];
    const scaling = renameSynonyms(deployment.scaling);
    const place = ['deployments', name, 'scaling'];
    for (const { key, message } of scaling.problems) complaints.at([...place, key], message);
    notes.push(...scaling.notes.map((note) => `${complaints.place(place)}: ${place.join('.')}: ${note}`));
    return [name, { ...deployment, scaling: scaling.values }];
  });
  return { values: { ...values, deployments: Object.fromEntries(renamed) as unknown }, notes };
}
