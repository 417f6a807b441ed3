import { expect } from 'vitest';
import { compare, sideBySide } from './compare.ts';
import { judge, type KnownDifference } from './differences.ts';
import type { Observed } from './replay.ts';

/**
 * Where the gateway answers otherwise than the recorded ComfyUI 0.3.64, on purpose. `cors` is not replayed: the gateway has no such
 * setting, pages of other sites are refused always.
 */
export const gatewayDifferences: readonly KnownDifference[] = [
  {
    name: 'how to show a file',
    why: 'The header says how to show the file (never SVG as a page), and has the whole name in UTF-8.',
    scenarios: ['upload_mask', 'view', 'preview_image'],
    where: /^\d+ (GET|HEAD) \/view /,
    path: /^headers\.content-disposition$/,
  },
  {
    name: 'files never change',
    why: 'Everything can be read in parts, converted pictures too, and kept: names are unique, and each answer says so.',
    scenarios: ['upload_mask', 'view', 'preview_image'],
    where: /^\d+ (GET|HEAD) \/view /,
    path: /^headers\.(accept-ranges|cache-control|etag|last-modified)$/,
  },
  {
    name: 'paths of containers',
    why: 'Folders of models are named, and as many as there are, but where they lie on a container is nobody’s business.',
    scenarios: ['models_and_lists', 'frontend_routes'],
    where: /^\d+ GET \/(experiment\/models|internal\/folder_paths)$/,
    path: /^json/,
  },
  {
    name: 'bytes are whole',
    why: 'The largest upload is a number of bytes, and whole.',
    scenarios: ['upload_too_large'],
    where: /^\d+ GET \/features$/,
    path: /^json\.max_upload_size$/,
  },
  {
    name: 'a file of the page’s user',
    why: 'Its tag and its header are those of every file here; it has no time in a header of its own.',
    scenarios: ['frontend_routes'],
    where: /^\d+ GET \/userdata\/workflows%2Fone.json$/,
    path: /^headers\.(cache-control|content-disposition|etag|last-modified)$/,
  },
  {
    name: 'an empty folder',
    why: 'A folder without files is no failure: ComfyUI has none before the first picture.',
    scenarios: ['frontend_routes'],
    where: /^\d+ GET \/internal\/files\/output$/,
    path: /^/,
  },
  {
    name: 'refusals say why',
    why: 'Where ComfyUI has an empty 404, or a 405 of three words, there is a problem document; what could pass to a container is 403.',
    scenarios: ['frontend_routes'],
    where: /^\d+ (GET (\/api)?\/nosuchroute|POST \/system_stats)/,
    path: /^/,
  },
  {
    name: 'the fleet’s own figures',
    why: '/system_stats describes the fleet: its slots as devices, the software of its containers, and `comfleet`, which says what answers.',
    scenarios: ['system_stats'],
    where: /^\d+ GET \/system_stats$/,
    path: /^json\.(system\.comfleet|devices\.0\.(index|name|type))$/,
  },
];

/** Fails with both sides of whatever differs and is not in the table, and for what is there without need. */
export function expectAsGateway(scenario: string, { golden, actual }: { golden: Observed; actual: Observed }): void {
  const routes = { name: 'gateway', differences: gatewayDifferences, skipped: {} };
  const { unknown, gone } = judge(routes, scenario, compare(golden, actual));
  expect(unknown.length, sideBySide(unknown, 'gateway')).toBe(0);
  expect(gone, 'known differences that did not occur').toEqual([]);
}
