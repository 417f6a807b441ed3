import type { Endpoint, ModelLoading } from '../comfyui/runner.ts';

/**
 * A container's states: `starting -> ready <-> busy -> draining -> stopped`, or `failed` from any of the living ones. `parked` (alive
 * but off the GPU) is reserved for runtimes that can park.
 */
export type ContainerState = 'starting' | 'ready' | 'busy' | 'draining' | 'parked' | 'stopped' | 'failed';

/** Phases of a cold start, in order; a runtime skips those it has not. */
export const startPhases = ['provision', 'pull', 'process', 'imports', 'custom_nodes', 'probe', 'models', 'warmup'] as const;
export type StartPhase = (typeof startPhases)[number];

export interface PhaseRecord {
  readonly phase: StartPhase;
  readonly from: number;
  readonly to: number | null;
  /** Seconds of each part: of each pack in `custom_nodes`, of each class of loader in `models`. */
  readonly detail?: Readonly<Record<string, number>>;
}

/** A place where a container can live. */
export interface Slot {
  readonly host: string;
  /**
   * `gpu0`, `gpu1`, ... by the number that ComfyUI takes; `hip`, `xpu` or `mps` for the GPU that ComfyUI chooses itself (AMD's, Intel's,
   * Apple's); `cpu0`, `cpu1`, ... for a container without one; for servers by URL, the URL.
   */
  readonly device: string;
  /** The GPU's model by the price list's name; null on CPU, and for a server by URL that has not answered yet. */
  readonly gpu: string | null;
  /** Share of that GPU, 0 to 1; 0 on CPU. */
  readonly share: number;
}

/** A container as it is stored and shown. */
export interface ContainerRecord extends Slot {
  readonly id: string;
  readonly workspace: string;
  readonly environment: string;
  readonly deployment: string;
  readonly revision: string;
  readonly runtime: string;
  readonly epoch: number;
  readonly state: ContainerState;
  readonly endpoint: Endpoint | null;
  /** The decision to start it. */
  readonly startedAt: number;
  readonly readyAt: number | null;
  readonly stoppedAt: number | null;
  readonly startReason: string;
  readonly stopReason: string | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly phases: readonly PhaseRecord[];
  readonly jobsDone: number;
  /** Seconds so far with at least one prompt; idle is the rest after ready. */
  readonly busySeconds: number;
  readonly usdPerHour: number | null;
}

/** A living container in the controller's memory: the record and what is only of use while it lives. */
export interface Container extends ContainerRecord {
  /** Prompts bound to it now. */
  readonly inFlight: number;
  /** Since when it has been ready without a prompt; null otherwise. */
  readonly idleSince: number | null;
  /** Since when it has had at least one prompt; null otherwise. */
  readonly busySince: number | null;
  /** Models that its last job loaded; `` before the first. */
  readonly modelKey: string;
}

export type ContainerEvent =
  | { type: 'phase'; at: number; phase: StartPhase; detail?: Readonly<Record<string, number>> }
  /** `found`: its GPU, where only the server itself could tell it. */
  | { type: 'ready'; at: number; endpoint: Endpoint; found?: Pick<ContainerRecord, 'gpu' | 'share' | 'usdPerHour'> }
  /** A prompt has loaded its models. */
  | ({ type: 'loaded' } & ModelLoading)
  | { type: 'job_started'; at: number; modelKey: string }
  | { type: 'job_ended'; at: number; done: boolean }
  | { type: 'drain'; reason: string }
  /** A job has lost it; it is not known yet what became of it. */
  | { type: 'lost'; code: string; message: string }
  | { type: 'stopped'; at: number; reason: string }
  | { type: 'failed'; at: number; code: string; message: string };

/** A container as its start begins. */
export const startingContainer = (
  given: Slot &
    Pick<
      ContainerRecord,
      'id' | 'workspace' | 'environment' | 'deployment' | 'revision' | 'runtime' | 'epoch' | 'startReason' | 'usdPerHour'
    >,
  at: number,
): Container => ({
  ...given,
  state: 'starting',
  endpoint: null,
  startedAt: at,
  readyAt: null,
  stoppedAt: null,
  stopReason: null,
  failure: null,
  phases: [],
  jobsDone: 0,
  busySeconds: 0,
  inFlight: 0,
  idleSince: null,
  busySince: null,
  modelKey: '',
});

export const isAlive = (state: ContainerState): boolean => state !== 'stopped' && state !== 'failed';

/** May a new job be bound to it? */
export const takesJobs = (state: ContainerState): boolean => state === 'ready' || state === 'busy';

/**
 * The container after an event. Pure. Events that come too late (a phase of a container that has stopped) change nothing, since
 * reports of a runtime and decisions of the controller cross each other on the way.
 */
export function advance(container: Container, event: ContainerEvent): Container {
  if (!isAlive(container.state)) return container;
  switch (event.type) {
    case 'phase': {
      if (container.state !== 'starting') return container;
      const detail = event.detail ? { detail: event.detail } : {};
      return {
        ...container,
        phases: [...closePhases(container.phases, event.at), { phase: event.phase, from: event.at, to: null, ...detail }],
      };
    }
    case 'ready':
      if (container.state !== 'starting') return container;
      return {
        ...container,
        ...event.found,
        state: 'ready',
        endpoint: event.endpoint,
        readyAt: event.at,
        idleSince: event.at,
        phases: closePhases(container.phases, event.at),
      };
    case 'loaded':
      return withFirstModel(container, event);
    case 'job_started':
      return {
        ...container,
        state: container.state === 'draining' ? 'draining' : 'busy',
        inFlight: container.inFlight + 1,
        idleSince: null,
        busySince: container.busySince ?? event.at,
        modelKey: event.modelKey === '' ? container.modelKey : event.modelKey,
      };
    case 'job_ended':
      return afterJob(container, event.at, event.done);
    case 'drain':
      return { ...container, state: 'draining', stopReason: event.reason };
    case 'lost':
      return { ...container, state: 'draining', stopReason: event.message, failure: { code: event.code, message: event.message } };
    case 'stopped': {
      const state = container.failure === null ? 'stopped' : 'failed';
      return { ...settled(container, event.at), state, stopReason: container.stopReason ?? event.reason };
    }
    case 'failed':
      return { ...settled(container, event.at), state: 'failed', failure: { code: event.code, message: event.message } };
  }
}

/** Its first model belongs to its start, though it is loaded after `ready`; later ones are the jobs' own affair. */
function withFirstModel(container: Container, { from, to, seconds }: ModelLoading): Container {
  if (container.phases.some(({ phase }) => phase === 'models')) return container;
  return { ...container, phases: [...container.phases, { phase: 'models', from, to, detail: seconds }] };
}

function afterJob(container: Container, at: number, done: boolean): Container {
  const inFlight = container.inFlight - 1;
  const jobsDone = container.jobsDone + (done ? 1 : 0);
  if (inFlight > 0) return { ...container, inFlight, jobsDone };
  const busySeconds = container.busySeconds + busyNow(container, at);
  const state = container.state === 'draining' ? 'draining' : 'ready';
  return { ...container, state, inFlight: 0, jobsDone, busySeconds, busySince: null, idleSince: at };
}

/** The record of a container whose life ends now. */
function settled(container: Container, at: number): Container {
  const busySeconds = container.busySeconds + busyNow(container, at);
  return {
    ...container,
    busySeconds,
    busySince: null,
    idleSince: null,
    inFlight: 0,
    stoppedAt: at,
    phases: closePhases(container.phases, at),
  };
}

const busyNow = (container: Container, at: number): number => (container.busySince === null ? 0 : (at - container.busySince) / 1000);

const closePhases = (phases: readonly PhaseRecord[], at: number): PhaseRecord[] =>
  phases.map((phase) => (phase.to === null ? { ...phase, to: at } : phase));

/** Seconds of a container's life by what it did until `at`. Cost = their sum x share x price per hour / 3600. */
export function secondsByUse(
  container: ContainerRecord & { busySince?: number | null },
  at: number,
): { starting: number; busy: number; idle: number } {
  const end = container.stoppedAt ?? at;
  const readyAt = Math.min(container.readyAt ?? end, end);
  const busy = container.busySeconds + (typeof container.busySince === 'number' ? (end - container.busySince) / 1000 : 0);
  return {
    starting: (readyAt - container.startedAt) / 1000,
    busy,
    idle: Math.max(0, (end - readyAt) / 1000 - busy),
  };
}

/** Milliseconds that half of the starts took at most; null: none of the containers has become ready. */
export function medianStartMs(containers: readonly ContainerRecord[]): number | null {
  const starts = containers.flatMap(({ startedAt, readyAt }) => (readyAt === null ? [] : [readyAt - startedAt])).sort((a, b) => a - b);
  return starts[Math.floor(starts.length / 2)] ?? null;
}

/** The stored part of a container. */
export function recordOf(container: Container): ContainerRecord {
  const { inFlight: _inFlight, idleSince: _idleSince, busySince: _busySince, modelKey: _modelKey, ...record } = container;
  return record;
}
