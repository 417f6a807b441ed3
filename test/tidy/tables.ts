/** The tables that `checks.ts` reads: who may import what, and where time, randomness and adapters may be touched. */

/**
 * Vocabulary and contracts: every room may import these, and they import each other only (types, constants and functions without state).
 */
export const ports: readonly string[] = [
  'src/errors.ts',
  'src/exact-json.ts',
  'src/loopback.ts',
  'src/map-of-sets.ts',
  'src/assets/assets.ts',
  'src/bus/bus.ts',
  'src/bus/events.ts',
  'src/comfyui/protocol.ts',
  'src/comfyui/runner.ts',
  'src/config/schema.ts',
  'src/deployments/deployment.ts',
  'src/deployments/deployments.ts',
  'src/deployments/workflow.ts',
  'src/fleet/clock.ts',
  'src/fleet/container.ts',
  'src/fleet/fleet.ts',
  'src/fleet/scaling/settings.ts',
  'src/jobs/job.ts',
  'src/jobs/jobs.ts',
  'src/runtimes/runtime.ts',
  'src/store/store.ts',
  'src/workspaces/keys.ts',
];

/**
 * Room -> what else its files may import: rooms, or single files of them. Dependencies point one way: cli and api to jobs, fleet and
 * deployments, those to ports; adapters implement ports. `src/app.ts` composes and may import everything; tests too.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  'src/cli': [
    'src/app.ts',
    'src/api/schemas.ts',
    'src/api/wire.ts',
    'src/charts',
    'src/config',
    'src/data-folder.ts',
    'src/emulator/profile.ts',
    'src/planning',
    'src/plans/run-plan.ts',
    'src/runtimes/detect.ts',
    'src/runtimes/devices.ts',
    'src/solver',
    'src/telemetry/logger.ts',
    'src/telemetry/overview/document.ts',
    'src/version.ts',
  ],
  'src/api': [
    'src/config',
    'src/comfyui',
    'src/deployments',
    'src/fleet',
    'src/jobs',
    'src/outbound',
    'src/planning',
    'src/plans',
    'src/shadow',
    'src/telemetry',
    'src/workspaces',
  ],
  'src/jobs': ['src/outbound'],
  'src/fleet': ['src/jobs', 'src/telemetry/decisions.ts'],
  'src/planning': ['src/fleet'],
  'src/plans': ['src/config/flat-scaling.ts', 'src/planning', 'src/solver', 'src/jobs'],
  'src/solver': ['src/planning/bound'],
  'src/charts': [],
  'src/shadow': ['src/fleet', 'src/planning', 'src/solver', 'src/telemetry/metrics.ts'],
  'src/deployments': ['src/comfyui', 'src/config'],
  'src/workspaces': [],
  'src/outbound': [],
  'src/telemetry': ['src/fleet/scaling', 'src/config/scaling.ts', 'src/config/duration.ts'],
  'src/config': ['src/version.ts', 'src/fleet/scaling'],
  'src/store': ['src/sqlite', 'src/fleet/learning/workflow-class.ts'],
  'src/assets': ['src/sqlite'],
  'src/sqlite': [],
  'src/bus': [],
  'src/comfyui': [],
  'src/runtimes': ['src/host', 'src/comfyui', 'src/emulator/profile.ts', 'src/emulator/definitions.ts'],
  'src/host': ['src/emulator', 'src/comfyui', 'src/lock.ts', 'src/fleet/system-clock.ts', 'src/telemetry/logger.ts'],
  'src/emulator': ['src/comfyui'],
  'src/collector.ts': [],
  'src/errors.ts': [],
  'src/exact-json.ts': [],
  'src/loopback.ts': [],
  'src/map-of-sets.ts': [],
  'src/lock.ts': [],
  'src/data-folder.ts': ['src/lock.ts'],
  'src/page.ts': ['src/api/context.ts'],
  'src/frontend-folder.ts': [],
  'src/version.ts': [],
  'src/banner.ts': ['src/cli/banner.ts', 'src/runtimes/open.ts', 'src/version.ts'],
  bin: ['src/cli/main.ts'],
  // The pages share the server's types and what says how a chart is laid out, never its services.
  web: [
    'src/api/plan-schemas.ts',
    'src/api/schemas.ts',
    'src/charts/label-places.ts',
    'src/charts/scatter-layout.ts',
    'src/charts/svg.ts',
    'src/planning/plan/names.ts',
    'src/planning/plan/picture.ts',
    'src/shadow/document.ts',
    'src/telemetry/overview',
  ],
};

/** May import anything: the composition root, and what stands outside the program. */
export const everywhere: readonly string[] = ['src/app.ts', 'test/', 'bench/'];

/** Package -> rooms that may use it. Packages that are not here are free. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  fastify: ['src/api', 'src/emulator'],
  '@fastify/static': ['src/api'],
  '@fastify/swagger': ['src/api'],
  '@fastify/multipart': ['src/api'],
  'fastify-type-provider-zod': ['src/api'],
  'node:sqlite': ['src/sqlite', 'src/store', 'src/assets', 'src/lock.ts', 'src/cli'],
  'prom-client': ['src/telemetry'],
  commander: ['src/cli'],
  highs: ['src/solver'],
  yaml: ['src/config'],
  sharp: ['src/emulator', 'src/api', 'src/assets', 'src/cli'],
  'hash-wasm': ['src/assets', 'src/deployments'],
  ws: ['src/comfyui', 'src/emulator', 'src/api'],
  undici: ['src/comfyui', 'src/outbound', 'src/cli', 'src/runtimes', 'src/host'],
  react: ['web'],
  'react-dom': ['web'],
  uplot: ['web'],
};

/** Decisions: same arguments, same answer. No Node modules, no packages, no clock, no randomness. */
export const pure: readonly string[] = [
  'src/errors.ts',
  'src/charts/',
  'src/fleet/container.ts',
  'src/fleet/learning',
  'src/fleet/scaling/',
  'src/fleet/dispatch/',
  'src/fleet/pool.ts',
  'src/fleet/scaler.ts',
  'src/fleet/slots.ts',
  'src/planning/',
  'src/shadow/advice.ts',
  'src/shadow/candidates.ts',
  'src/shadow/replay.ts',
  'src/jobs/job.ts',
  'src/jobs/timing.ts',
];

/** The edge: the only files that may read the machine's clock, set its timers or draw its randomness, each with the reason. */
export const edges: Readonly<Record<string, string>> = {
  'src/fleet/system-clock.ts': 'it is the clock and the source of ids',
  'src/telemetry/logger.ts': 'a line of the log carries the time at which it was written',
  'src/cli/': 'people look at it: redrawing, waiting for an answer',
  'src/api/sse.ts': 'comments that keep a connection open decide nothing',
  'src/api/body.ts': 'a body that comes too slowly is cut off: that is about sockets, not about jobs',
  'src/emulator/': 'it stands for a foreign server, which has a clock of its own',
};

/** Adapters: only the composition root (and their own room, and tests) may import them at run time. */
export const adapters: readonly string[] = [
  'src/store/sqlite.ts',
  'src/store/memory.ts',
  'src/assets/disk.ts',
  'src/bus/memory.ts',
  'src/comfyui/client.ts',
  'src/runtimes/supervised.ts',
  'src/runtimes/remote.ts',
  'src/fleet/system-clock.ts',
];

/** Where adapters may be put together: programs. */
export const compositionRoots: readonly string[] = ['src/app.ts', 'src/host/main.ts', 'src/cli/', 'test/', 'bench/'];

/** Files that something outside the sources starts. */
export const entries: readonly string[] = [
  'bin/comfleet.js',
  'src/host/main.ts',
  'web/src/main.tsx',
  'web/build.ts',
  'web/public/theme.js',
  // The second adapters of their ports, which the simulation runs on.
  'src/store/memory.ts',
  'src/assets/memory.ts',
];
