import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ComfleetError } from '../errors.ts';
import type { Random } from '../fleet/clock.ts';

const samples = z.array(z.number().min(0)).min(1);

const profileSchema = z.object({
  name: z.string().min(1),
  what: z.string(),
  gpu: z.object({ model: z.string(), memory_gib: z.number().positive(), price_per_hour_usd: z.number().min(0) }).loose(),
  source: z.string(),
  /** Samples in seconds; keys beyond these are kept for others to read. */
  seconds: z
    .object({
      start_cold: samples,
      first_job: samples,
      execute: samples,
      execute_after_other_model: samples.optional(),
      outside_gpu: samples.optional(),
      /** Images per prompt -> seconds of the whole prompt. */
      batch: z.record(z.string().regex(/^[1-9]\d*$/), z.number().min(0)).optional(),
    })
    .loose(),
  /** Sampler steps that `execute` stands for. */
  steps: z.int().positive(),
  concurrent_prompts: z.int().positive(),
});

/** How long things take in an emulated container, in seconds, and on which GPU that was. */
export type Profile = Readonly<z.infer<typeof profileSchema>>;

/** From source as from the compiled package, profiles lie beside the package's root. */
function profileFolder(): string {
  const depth = import.meta.url.endsWith('.ts') ? '../../profiles/' : '../../../profiles/';
  return fileURLToPath(new URL(depth, import.meta.url));
}

/** Names of the profiles that ship with comfleet, sorted. */
export function listProfiles(): string[] {
  return readdirSync(profileFolder())
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
}

/** A shipped profile by name, or one from a file by a path that ends in .json. Error: `invalid_config`. */
export function loadProfile(nameOrFile: string): Profile {
  const isFile = nameOrFile.endsWith('.json');
  if (!isFile && !listProfiles().includes(nameOrFile)) {
    throw new ComfleetError(
      'invalid_config',
      `There is no profile "${nameOrFile}". Known are: ${listProfiles().join(', ')}; or give a .json file.`,
    );
  }
  const file = isFile ? nameOrFile : join(profileFolder(), `${nameOrFile}.json`);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ComfleetError(
      'invalid_config',
      `The profile ${file} cannot be read: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
  const parsed = profileSchema.safeParse(content);
  if (!parsed.success)
    throw new ComfleetError('invalid_config', `The profile ${file} is wrong.\n${z.prettifyError(parsed.error)}`, { file });
  return parsed.data;
}

/** What draws are made from: see `seededDraws`. */
export type Draws = Pick<Random, 'int'>;

/** One of the samples. */
export const sample = (values: readonly number[], draws: Draws): number => values[draws.int(values.length)] as number;

/** The middle sample; between the two middle ones where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** Seconds from the start of the process until the server answers. Whoever starts the container waits them. */
export const startSeconds = (profile: Profile, draws: Draws): number => sample(profile.seconds.start_cold, draws);

/** Mean seconds on the GPU, of a start, and outside the GPU. */
export function meansOf({ seconds }: Profile): { serviceSeconds: number; startSeconds: number; outsideSeconds: number } {
  const mean = (samples: readonly number[]): number => samples.reduce((sum, value) => sum + value, 0) / samples.length;
  return {
    serviceSeconds: mean(seconds.execute),
    startSeconds: mean(seconds.start_cold),
    outsideSeconds: mean(seconds.outside_gpu ?? [0]),
  };
}
