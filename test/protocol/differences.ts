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
];

export const covers = (known: KnownDifference, scenario: string, { where, path }: Difference): boolean =>
  known.scenarios.includes(scenario) && known.where.test(where) && known.path.test(path);
