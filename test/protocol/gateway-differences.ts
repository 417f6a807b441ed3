import type { KnownDifference } from './differences.ts';

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
];
