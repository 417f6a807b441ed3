import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { assertSafeBind } from './api/auth.ts';
import { passToContainer } from './api/native/pass.ts';
import { createPageServer } from './api/page/server.ts';
import { PageSessions } from './api/page/sessions.ts';
import { createServer } from './api/server.ts';
import { wireJob } from './api/wire.ts';
import type { Assets } from './assets/assets.ts';
import { openDiskAssets } from './assets/disk.ts';
import { createBus } from './bus/memory.ts';
import { fleetTopic, type FleetBusEvent } from './bus/events.ts';
import type { Bus } from './bus/bus.ts';
import { bannerOf, silentServers } from './banner.ts';
import type { RunningApp } from './cli/machine.ts';
import { createPromptRunner } from './comfyui/client.ts';
import type { PassedRequest } from './comfyui/runner.ts';
import type { Config } from './config/schema.ts';
import { openDataFolder } from './data-folder.ts';
import { createBinder } from './deployments/binder.ts';
import { deployConfigured } from './deployments/configured.ts';
import type { Deployments } from './deployments/deployments.ts';
import { createDeployments } from './deployments/registry.ts';
import { ComfleetError } from './errors.ts';
import { tuneCollector } from './collector.ts';
import type { Clock, Random } from './fleet/clock.ts';
import { findFrontend } from './frontend-folder.ts';
import { admit } from './fleet/admission.ts';
import { Controller } from './fleet/controller.ts';
import { createFleetView } from './fleet/fleet-view.ts';
import { learntOf } from './fleet/pool.ts';
import { recover } from './fleet/recovery.ts';
import { Slots } from './fleet/slots.ts';
import { createSystemClock, createSystemRandom } from './fleet/system-clock.ts';
import type { Job } from './jobs/job.ts';
import { Attempts } from './jobs/attempts.ts';
import { Sweeper } from './jobs/retention.ts';
import { createJobs } from './jobs/service.ts';
import { createAddressCheck } from './outbound/addresses.ts';
import { createSafeFetch, type SafeFetch } from './outbound/safe-fetch.ts';
import { createStageFile } from './outbound/stage-file.ts';
import { createWebhooks, type Webhooks } from './outbound/webhooks.ts';
import { openPage } from './page.ts';
import { createPlans, type Plans } from './plans/plans.ts';
import { runPrepared } from './plans/run-plan.ts';
import { priceList } from './config/prices.ts';
import { openRuntime, type OpenedRuntime } from './runtimes/open.ts';
import { openPseudonym } from './shadow/recorded-trace.ts';
import { shadowFigures } from './shadow/result.ts';
import { createReplayer } from './shadow/replayer.ts';
import { firstReplayMs, Shadow } from './shadow/shadow.ts';
import { openSqliteStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';
import { createFleetLog } from './telemetry/fleet-log.ts';
import { openLog } from './telemetry/log-file.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createOverview } from './telemetry/overview/overview.ts';
import { packageRoot, packageVersion } from './version.ts';
import { createKeys } from './workspaces/create-keys.ts';
import type { Keys } from './workspaces/keys.ts';

/** Events of the fleet that a stream can resume from. */
const busRing = 1_000;
const uploadBytes = 1024 * 1024 * 1024;
/** So long may the replay of a deployment's last day take. */
const replayLimitMs = 600_000;

/** Everything of one gateway, made once from its configuration: the only place that chooses adapters. */
export async function startApp(config: Config): Promise<RunningApp> {
  tuneCollector();
  const folder = openDataFolder(config.dataDir);
  const undo: (() => Promise<void> | void)[] = [() => folder.release()];
  try {
    const log = openLog(folder.path);
    const clock = createSystemClock();
    const store = await openSqliteStore({ file: folder.database });
    undo.unshift(() => store.close());
    const left = await store.containers({ alive: true, limit: 100_000 });
    const opened = await openRuntime(config, { clock, report: reporter(log, 'runtime'), left });
    undo.unshift(() => opened.runtime.close({ stopAll: true, graceMs: 0 }));
    const silent = opened.runtime.name === 'remote' ? silentServers(config) : [];
    const random = createSystemRandom(clock);
    const assets = await openDiskAssets({ folder: folder.assets, clock });
    undo.unshift(() => assets.close());
    const parts = await compose({ config, log, clock, random, store, opened, assets });
    undo.unshift(() => parts.close());
    const url = await listen(parts.server, config);
    undo.unshift(await servePage(parts, config));
    folder.announce(url);
    const banner = bannerOf({
      config,
      url,
      opened,
      deployments: parts.deployments,
      slots: parts.controller.slots.all(),
      notes: [...(await silent), ...parts.notes],
    });
    return running(parts, banner, undo);
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

/** Keys straight from the data folder, for when no gateway runs. Error: `data_folder_in_use`. */
export async function openKeys(config: Config): Promise<Keys & { close(): Promise<void> }> {
  const folder = openDataFolder(config.dataDir);
  const clock = createSystemClock();
  const store = await openSqliteStore({ file: folder.database });
  const report = (error: unknown): never => {
    throw error;
  };
  const keys = await createKeys({ store, clock, random: createSystemRandom(clock), workspace: config.workspace.name, report });
  return { ...keys, close: async () => (await store.close(), folder.release()) };
}

interface Given {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly opened: OpenedRuntime;
  readonly assets: Assets;
}

type Parts = Awaited<ReturnType<typeof compose>>;

/** Puts everything together and brings it in step with the store and the containers; not yet listening. */
async function compose(given: Given) {
  const { config, log, clock, random, store, opened, assets } = given;
  const bus = createBus(clock, { kept: [fleetTopic], ring: busRing, onError: reporter(log, 'bus') });
  const keys = await createKeys({ store, clock, random, workspace: config.workspace.name, report: reporter(log, 'keys') });
  assertSafeBind(config, keys);
  const deployments = createDeployments({ store, clock, workspace: config.workspace.name, files: opened.files });
  await deployments.load();
  const definitions = await opened.definitions();
  if (definitions) await deployments.learnDefinitions(definitions);
  if (opened.catalogue) await deployments.learnCatalogue(opened.catalogue);
  const notes = await deployConfigured({ config, deployments, assets, store, clock, files: opened.files });
  const fetch = createSafeFetch({ check: createAddressCheck(config.network.allowPrivate) });
  const describe = (job: Job) => wireJob(job, null);
  const webhooks = createWebhooks({ store, clock, random, fetch, describe, report: reporter(log, 'webhooks') });

  const controlled = await composeFleet(given, { bus, deployments, webhooks });
  const { controller, jobs, attempts, runner } = controlled;
  const state = { draining: false, pagePort: config.page.port };
  const hasPage = config.page.folder !== null || config.page.container;
  const page = hasPage ? new PageSessions({ clock, random, keys }) : null;
  const plans = createPlans({ clock, random, run: runPrepared, report: reporter(log, 'plans') });
  const shadow = composeShadow(given, controlled, deployments);
  const server = composeServer(given, { ...controlled, bus, keys, deployments, webhooks, fetch, page, plans, shadow, state });
  const pageOfContainer = (request: PassedRequest) =>
    passToContainer({ fleet: { containers: () => controller.containers.all() }, containers: runner }, deployments.get(null), request);

  await controller.takeLease(random.id());
  const recovered = await recover({ store, runtime: opened.runtime, attempts, jobs, clock }, controller);
  log.info({ event: 'recovered', ...recovered }, 'the store and the containers are in step');
  controller.start();
  webhooks.start();
  shadow.start();
  const sweeper = new Sweeper({ store, assets, clock, log, retention: config.retention });
  sweeper.start();
  return {
    controller,
    server,
    deployments,
    jobs,
    attempts,
    notes,
    page,
    pageOfContainer,
    state,
    async close(): Promise<void> {
      sweeper.stop();
      await server.close();
      await plans.close();
      await shadow.stop();
      await webhooks.stop();
      await controller.close();
      runner.close();
    },
  };
}

async function composeFleet(given: Given, { bus, deployments, webhooks }: { bus: Bus; deployments: Deployments; webhooks: Webhooks }) {
  const { config, log, clock, random, store, opened, assets } = given;
  const runner = createPromptRunner({ assets, clock, random });
  const attempts = new Attempts({ store, assets, bus, clock, runner, log });
  const jobs = createJobs({
    store,
    clock,
    random,
    admit: (request) => admit(controller.pools, request, clock.now()),
    accept: (job) => controller.accept(job),
    canceled: (job) => controller.canceled(job),
  });
  const slots = new Slots(await opened.runtime.slots());
  const priceOf = priceList(config.gpus);
  const onEnded = (job: Job): void => {
    jobs.ended(job);
    if (job.webhook) webhooks.notify();
  };
  const { runtime } = opened;
  const { gpuLimit } = config.workspace;
  const controller: Controller = new Controller(
    {
      store,
      bus,
      clock,
      random,
      runtime,
      runner,
      attempts,
      deployments,
      definitions: opened.definitions,
      prior: opened.prior,
      log,
      priceOf,
      gpuLimit,
      onEnded,
    },
    slots,
  );
  return { runner, attempts, jobs, controller, slots, priceOf };
}

function composeShadow(given: Given, { controller, slots }: Controlled, deployments: Deployments): Shadow {
  const { config, log, clock, random, store } = given;
  return new Shadow({
    store,
    clock,
    log,
    deployments: () => deployments.list(),
    learnt: (of) => learntOf(controller.pools, of),
    slots: Math.min(slots.total, Math.floor((config.workspace.gpuLimit ?? Infinity) / (slots.all()[0]?.share || 1))),
    pseudonym: () => openPseudonym(store, { random, clock }),
    replay: createReplayer({ clock, limitMs: replayLimitMs }),
    settings: config.shadow,
    firstMs: firstReplayMs,
  });
}

type Controlled = Awaited<ReturnType<typeof composeFleet>>;

interface Serving extends Controlled {
  readonly bus: Bus;
  readonly keys: Keys;
  readonly deployments: Deployments;
  readonly webhooks: Webhooks;
  readonly fetch: SafeFetch;
  readonly page: PageSessions | null;
  readonly plans: Plans;
  readonly shadow: Shadow;
  readonly state: { draining: boolean; pagePort: number };
}

function composeServer(given: Given, serving: Serving) {
  const { config, log, clock, random, store, opened, assets } = given;
  const { controller, slots, priceOf, bus, deployments, fetch, state, page, plans, keys, jobs, webhooks, shadow } = serving;
  const { runtime } = opened;
  const fleet = createFleetView(controller, { name: runtime.name, capacity: slots.total, ready: true, note: opened.note }, clock);
  const metrics = createMetrics({
    version: packageVersion,
    clock,
    queues: () => fleet.queues(),
    deployments: () => deployments.list(),
    gpus: config.gpus,
    gpuLimit: config.workspace.gpuLimit,
    shadows: () => shadowFigures(shadow.results()),
  });
  const overview = createOverview({
    clock,
    slots: slots.all(),
    priceOf,
    profile: runtime.name === 'emulated' ? config.profile : null,
    comfyuiPage: page && '/page/',
    storeTrouble: () => store.trouble(),
  });
  observeFleet(bus, metrics, overview, createFleetLog(log));
  const stageFile = createStageFile({ assets, store, clock, fetch, maxBytes: uploadBytes });
  return createServer({
    version: packageVersion,
    config,
    clock,
    random,
    logger: log,
    store,
    assets,
    bus,
    jobs,
    deployments,
    fleet,
    containers: serving.runner,
    learnNow: () => controller.learner.learnNow(),
    refresh: () => controller.learner.refresh(),
    keys,
    binder: createBinder({ random, stageFile, definitions: () => deployments.definitions() }),
    stageFile,
    webhooks,
    shadow,
    metrics,
    overview: () => overview.snapshot(fleet, deployments),
    overviewTag: () => overview.tag(),
    plans,
    learnt: (of) => learntOf(controller.pools, of),
    logs: (id, options) => runtime.logs(id, options),
    dashboard: openPage(packageRoot, (line) => log.info({ event: 'page' }, line)),
    page: page && { sessions: page, port: () => state.pagePort },
    draining: () => state.draining,
  });
}

function observeFleet(bus: Bus, ...observers: { observe(event: FleetBusEvent): void }[]): void {
  for (const observer of observers) bus.subscribe(fleetTopic, ({ data }) => observer.observe(data as FleetBusEvent));
}

async function listen(server: Parts['server'], { network }: Config): Promise<string> {
  try {
    await server.listen({ host: network.host, port: network.port });
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, network);
  }
  const address = server.server.address();
  const port = typeof address === 'object' && address ? address.port : network.port;
  const host = network.host === '0.0.0.0' || network.host === '::' ? '127.0.0.1' : network.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** ComfyUI's own page, where its files are given; the answer ends it. */
async function servePage({ page: sessions, pageOfContainer, server: gateway, state, notes }: Parts, config: Config): Promise<() => void> {
  const { folder, container, port } = config.page;
  if (!sessions) return () => undefined;
  const found = folder === null ? null : findFrontend(folder);
  const server = await createPageServer({ config, sessions, gateway, folder: found, container: container ? pageOfContainer : null });
  const { host } = config.network;
  const listening = Promise.withResolvers<void>();
  server.once('error', (error) => listening.reject(listenError(error, { ...config.network, port })));
  server.listen({ host, port }, () => listening.resolve());
  await listening.promise;
  state.pagePort = (server.address() as AddressInfo).port;
  notes.push(`ComfyUI's own page: open /page/ on the gateway; it is served on port ${state.pagePort}`);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

function listenError(cause: NodeJS.ErrnoException, { host, port }: Config['network']): Error {
  const wrong = (key: string, why: string) => new ComfleetError('invalid_config', `network.${key}: ${why}`, {}, { cause });
  switch (cause.code) {
    case 'EADDRINUSE':
      return new ComfleetError('port_in_use', `port ${port} of ${host} is in use by another program`, {}, { cause });
    case 'EACCES':
      return wrong('port', `this user may not listen on port ${port}; choose one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return wrong('host', `${host} is no address of this machine; write e.g. host: 127.0.0.1`);
    default:
      return cause;
  }
}

function running(
  { controller, jobs, attempts, state }: Parts,
  banner: RunningApp['banner'],
  undo: readonly (() => Promise<void> | void)[],
): RunningApp {
  const closed = Promise.withResolvers<void>();
  let ending: Promise<void> | null = null;
  const end = (): Promise<void> =>
    (ending ??= (async () => {
      attempts.shutDown();
      await controller.stopContainers('the gateway was stopped');
      for (const step of undo) await step();
    })().then(closed.resolve, closed.reject));
  const takeNoMore = (finishing: (job: string) => boolean): void => {
    state.draining = true;
    jobs.drain(finishing);
  };
  return {
    banner,
    runningJobs: () => controller.running,
    closed: closed.promise,
    async drain() {
      takeNoMore((job) => controller.runs(job));
      await controller.drain();
      await end();
    },
    async stopNow() {
      takeNoMore(() => false);
      await end();
    },
  };
}

const reporter =
  (log: Logger, component: string) =>
  (error: unknown): void =>
    log.warn({ event: 'trouble', component, err: error }, `trouble in ${component}`);
