import type { Difference } from './compare.ts';

/** A difference that is known and wanted. One that is listed and does not occur is a mistake, too. */
export interface KnownDifference {
  readonly name: string;
  readonly why: string;
  readonly scenarios: readonly string[];
  readonly where: RegExp;
  readonly path: RegExp;
}

/** Where an emulated container differs from the recorded ComfyUI 0.3.64. */
export const emulatorDifferences: readonly KnownDifference[] = [
  {
    name: 'a picture says that it is emulated',
    why: 'Every PNG has one text chunk more, `comfleet`: nothing that an emulated container makes may pass for real. It stays with --disable-metadata.',
    scenarios: [
      ...['api_prefix', 'batch_of_3', 'disable_metadata', 'image_success', 'preview_image', 'prompt_options'],
      ...['sampler_batch', 'sampler_progress', 'upload_mask', 'view'],
    ],
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
    name: 'no page',
    why: 'The emulator has the API and not the frontend: `/` says so, and there are no scripts to list under /extensions.',
    scenarios: ['frontend_routes', 'models_and_lists'],
    where: /^\d+ GET (\/|\/extensions)$/,
    path: /^(text|headers\.(accept-ranges|etag|last-modified)|json)$/,
  },
];

export const covers = (known: KnownDifference, scenario: string, { where, path }: Difference): boolean =>
  known.scenarios.includes(scenario) && known.where.test(where) && known.path.test(path);
