import type { Difference } from './compare.ts';
import { fleetDifferences, namedCycle, notReplayed } from './fleet-differences.ts';

/** A difference that is known and wanted. One that is listed and does not occur is a mistake, too. */
export interface KnownDifference {
  readonly name: string;
  readonly why: string;
  readonly scenarios: readonly string[];
  readonly where: RegExp;
  readonly path: RegExp;
}

/** Where an emulated container differs from the recorded ComfyUI 0.3.64. */
const emulatorDifferences: readonly KnownDifference[] = [
  {
    name: 'a picture says that it is emulated',
    why: 'Every PNG has one text chunk more, `comfleet`: nothing that an emulated container makes may pass for real. It stays with --disable-metadata.',
    scenarios:
      'api_prefix batch_of_3 disable_metadata image_success preview_image prompt_options sampler_batch sampler_progress upload_mask view'.split(
        ' ',
      ),
    where: /^\d+ GET (\/api)?\/view /,
    path: /^file\.chunks\.comfleet$/,
  },
  {
    name: 'a server says that it is emulated',
    why: '/system_stats has one key more, `comfleet`, and names the GPU of the profile; the recorded server had none.',
    scenarios: ['api_prefix', 'same_id_same_number_defect', 'system_stats'],
    where: /^\d+ GET (\/api)?\/system_stats\b/,
    path: /^json\.(system\.comfleet|devices\.0\.(index|name|type))$/,
  },
  {
    name: 'models are names',
    why: 'There is nothing behind the names of model files: their size is 0.',
    scenarios: ['models_and_lists'],
    where: /^\d+ GET \/experiment\/models\/checkpoints$/,
    path: /^json\.\d+\.size$/,
  },
  {
    name: 'another PNG encoder',
    why: 'The hash of a mask upload is that of a file that the server wrote: same pixels, other bytes.',
    scenarios: ['upload_mask'],
    where: /^\d+ GET \/view /,
    path: /^file\.chunks\.prompt\.1\.is_changed\.0$/,
  },
  {
    name: 'only names of this machine',
    why: 'A Host that is no name of this machine is refused on its own addresses: ComfyUI answers it, and so any page whose name was made to resolve to them.',
    scenarios: ['origin_check'],
    where: /^\d+ GET \/queue\b/,
    path: /^(status|json|file|headers\.content-type)/,
  },
  {
    name: 'no page',
    why: 'The emulator has the API and not the frontend: `/` says so, and there are no scripts to list under /extensions.',
    scenarios: ['frontend_routes', 'models_and_lists'],
    where: /^\d+ GET (\/|\/extensions)$/,
    path: /^(text|headers\.(accept-ranges|etag|last-modified)|json)$/,
  },
  namedCycle,
];

/** What answers in ComfyUI's place, and how far it may differ. A column of docs/reference/protocol.md. */
export interface Imitation {
  readonly name: string;
  readonly differences: readonly KnownDifference[];
  /** Scenarios that make no sense for it, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
}

export const emulator: Imitation = { name: 'emulator', differences: emulatorDifferences, skipped: {} };

export const gateway: Imitation = { name: 'gateway', differences: fleetDifferences, skipped: notReplayed };

/** The columns of the page, in order. */
export const imitations: readonly Imitation[] = [emulator, gateway];

/** What no scenario shows: where an emulated container differs because it shares its process with hundreds of others. */
export const emulatorLimits: readonly string[] = [
  'A prompt of more than 10,000 nodes is refused (400, `prompt_too_large`); a real server takes any number.',
  'A chain of nodes may be as long as that; a real server takes fewer than 1,000 in a row, where Python’s recursion ends.',
  '`NaN`, `Infinity` and keys `__proto__` in a body are refused (400, `invalid_body`, as by the gateway); a real server takes them.',
  'History keeps 1,000 prompts instead of 10,000, the log 100 lines instead of 300.',
  'A picture of more than 1 GiB fails as `not enough memory`, whatever the GPU of the profile.',
  'Previews of one sampler are at most 8, and none while every thread that draws is busy or where the profile takes no time.',
  'A socket for which more than 32 MiB wait is cut off, and the log says so; a real server waits for it, and all others with it.',
  'JSON has no spaces, `1.0` is written `1`, and whole numbers beyond 2^53 lose their last digits.',
  'Flags that change nothing in what a server says, such as `--cpu`, are ignored; unknown ones are, too.',
];

export const covers = (known: KnownDifference, scenario: string, { where, path }: Difference): boolean =>
  known.scenarios.includes(scenario) && known.where.test(where) && known.path.test(path);

/** Differences that the table does not know, and names of those in the table that did not occur. */
export function judge(
  { differences }: Imitation,
  scenario: string,
  found: readonly Difference[],
): { unknown: readonly Difference[]; gone: readonly string[] } {
  const listed = differences.filter(({ scenarios }) => scenarios.includes(scenario));
  return {
    unknown: found.filter((difference) => !listed.some((known) => covers(known, scenario, difference))),
    gone: listed.filter((known) => !found.some((difference) => covers(known, scenario, difference))).map(({ name }) => name),
  };
}
