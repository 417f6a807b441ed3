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

/** Scenarios that need one executor: with several containers, what waits in the recording runs at once. */
export const oneContainer: ReadonlySet<string> = new Set([
  ...['queue_clear', 'queue_delete', 'queue_listing', 'queue_priority', 'interrupt_running', 'interrupt_targeted', 'interrupt_then_again'],
  ...['interrupt_without_client', 'two_clients'],
]);

/** Scenarios that say nothing about the gateway, and why. */
export const notReplayed: Readonly<Record<string, string>> = {
  cors: 'The gateway has no such setting: pages of other sites are refused always.',
  disable_metadata: 'A flag of a container.',
  cache_lru: 'A flag of a container; the gateway gives each job a prefix of its own, so that saving nodes are never cached.',
  cache_none: 'A flag of a container.',
  same_id_same_number_defect: 'A defect of the real server; the gateway gives each prompt an id of its own.',
  object_info_node: 'Lists are answered from what containers reported last.',
  models_and_lists: 'Lists are answered from what containers reported last.',
  system_stats: 'The gateway describes the fleet, not one server.',
  frontend_routes: 'The page is served on a port of its own.',
  jobs_api_012: 'It begins with a queue and a history that no request made.',
  free: 'Containers are shared: only admins may empty their caches.',
};
