import type { KnownDifference } from './differences.ts';

/** Scenarios that look at a file. */
const viewed: readonly string[] =
  'api_prefix batch_of_3 image_success preview_image prompt_options sampler_batch sampler_progress upload_mask view'.split(' ');

/** The gateway and emulated containers check graphs by the same code. */
export const namedCycle: KnownDifference = {
  name: 'a cycle is named',
  why: 'A prompt whose nodes form a cycle is refused by their ids, at the node where it closes; ComfyUI runs out of stack there and says nothing.',
  scenarios: ['prompt_invalid'],
  where: /^\d+ POST \/prompt cycle$/,
  path: /^json\.(error\.details|node_errors\.1)$/,
};

/** Where prompts through the whole gateway differ from the recorded ComfyUI 0.3.64, beside what `gateway-differences.ts` has of its routes. */
export const fleetDifferences: readonly KnownDifference[] = [
  {
    name: 'a file of the fleet',
    why: 'Headers say how to show it, with the whole name in UTF-8, and that it is asked for again with its tag; it has no date.',
    scenarios: [...viewed, 'other_outputs'],
    where: /^\d+ (GET|HEAD) (\/api)?\/view /,
    path: /^headers\.(content-disposition|last-modified|cache-control|accept-ranges|etag)$/,
  },
  {
    name: 'a picture says that it is emulated',
    why: 'One text chunk more, `comfleet`: nothing that an emulated container makes may pass for real.',
    scenarios: viewed,
    where: /^\d+ (GET|HEAD) (\/api)?\/view /,
    path: /^file\.chunks\.comfleet$/,
  },
  {
    name: 'the prefix in a picture is the job’s',
    why: 'Containers save under a prefix of the job’s own, so files of jobs never collide; the graph that a container writes into the PNG has it.',
    scenarios: viewed.filter((name) => name !== 'upload_mask'),
    where: /^\d+ (GET|HEAD) (\/api)?\/view /,
    path: /^file\.chunks\.prompt\.\w+\.inputs\.filename_prefix$/,
  },
  {
    name: 'an upload in a picture has its name on the container',
    why: 'Uploads lie by content there, so equal names never meet; the graph that a container writes into the PNG has that name, and the hash of a mask is that of another encoder.',
    scenarios: ['upload_mask'],
    where: /^\d+ GET \/view /,
    path: /^file\.chunks\.prompt\.1\.(inputs\.image|is_changed\.0)$/,
  },
  {
    name: 'a repeat saves anew',
    why: 'Saving nodes have a prefix of the job’s own, so ComfyUI’s cache never answers for them: a repeat saves a file under the next name, while all before it comes from the cache.',
    scenarios: 'cached_same_prompt cached_partial_image cached_partial_t2i partial_execution preview_image upload_changes_cache'.split(' '),
    where: /^(\d+ GET \/history\/|\d+ GET \/internal\/files\/output|socket A)/,
    path: /outputs\.\w+\.images\.0\.filename$|meta\.13\.|status\.messages\.1\.1\.nodes$|^json$|^message \d+ (execution_cached\.data\.nodes|executed|executing|progress_state)/,
  },
  {
    name: 'where a container’s folders lie',
    why: 'A message of a container names a file of its own disk.',
    scenarios: ['execution_error'],
    where: /^(\d+ GET \/history\/|socket A)/,
    path: /exception_message$/,
  },
  {
    name: 'texts of a prompt are its client’s',
    why: 'ComfyUI sends them to everybody.',
    scenarios: ['other_outputs'],
    where: /^socket B$/,
    path: /frame 3$/,
  },
  {
    name: 'all sockets of a client hear',
    why: 'In ComfyUI the second socket of a client id makes the first one mute, and itself when the first is closed.',
    scenarios: ['same_client_twice'],
    where: /^socket A[12]$/,
    path: /^message \d+ (executi|executed|progress)/,
  },
  {
    name: 'the fleet’s own figures',
    why: '/system_stats describes the fleet.',
    scenarios: ['api_prefix'],
    where: /^\d+ GET \/api\/system_stats/,
    path: /^json\.(system\.comfleet|devices)/,
  },
  {
    name: 'a refusal says why',
    why: 'Where ComfyUI has an empty 403 or a 405 of three words.',
    scenarios: ['origin_check', 'prompt_invalid'],
    where: /^\d+ (GET \/queue .*foreign|PUT \/prompt|GET \/queue$)/,
    path: /^(json|text|file|headers\.(allow|content-type|cache-control))/,
  },
  {
    name: 'only names of the gateway’s own',
    why: 'A Host header that is no name of this server is refused (a page may have made it resolve to us), and so are preflights, since no other site may call.',
    scenarios: ['origin_check'],
    where: /^\d+ (OPTIONS \/prompt|GET \/queue)/,
    path: /^(status|json|file|headers\.(allow|content-type|cache-control))/,
  },
  namedCycle,
];

/** Scenarios that need one executor: with several containers, what waits in the recording runs at once. */
export const oneContainer: ReadonlySet<string> = new Set(
  'queue_clear queue_delete queue_listing queue_priority interrupt_running interrupt_targeted interrupt_then_again interrupt_without_client two_clients'.split(
    ' ',
  ),
);

/** Scenarios that say nothing about prompts through the gateway, and why. */
export const notReplayed: Readonly<Record<string, string>> = {
  cors: 'The gateway has no such setting: pages of other sites are refused always.',
  disable_metadata: 'A flag of a container.',
  cache_lru: 'A flag of a container.',
  cache_none: 'A flag of a container.',
  upload_too_large: 'A flag of a container; the limits of the gateway are its own.',
  same_id_same_number_defect: 'A defect of the real server; the gateway gives each prompt an id of its own.',
  execution_error_output_node: 'A prefix that leads out of the folder is no failure: the name is cut to what stays inside.',
  jobs_api_012: 'It begins with a queue and a history that no request made; the same list is replayed against the emulator.',
  object_info_node: 'No prompts: see gateway-lists.test.ts.',
  models_and_lists: 'No prompts: see gateway-lists.test.ts.',
  system_stats: 'No prompts: see gateway-lists.test.ts.',
  frontend_routes: 'No prompts: see gateway-lists.test.ts.',
  free: 'Containers are shared: only admins may empty their caches.',
};
