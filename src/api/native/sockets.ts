import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { fleetTopic, promptsTopic, type FleetBusEvent, type PromptBusEvent } from '../../bus/events.ts';
import type { ClientMessage } from '../../comfyui/runner.ts';
import { isFinal, type ToldJob, type JobEvent } from '../../jobs/job.ts';
import { enter } from '../../map-of-sets.ts';
import type { Caller, PromptScope } from '../../store/store.ts';
import type { ApiContext, ApiLimits } from '../context.ts';
import { ClientSocket } from './client-socket.ts';
import { frameWithMetadata, plainFrame, textFrame } from './frames.ts';
import { beginAgain, endOf, leavesNoTrace, newJournal, type Entry, type Journal } from './journal.ts';
import { maxUploadBytes } from './limits.ts';
import { placeOf, placesOf, type OpenPrompts } from './open-prompts.ts';
import { Statuses } from './statuses.ts';

/** Who opened a socket, and where. */
export interface SocketOwner {
  readonly caller: Caller;
  /** What its `status` counts: its caller's prompts, or everybody's. */
  readonly scope: PromptScope;
  /** Empty: the client did not say. */
  readonly clientId: string;
}

/** All sockets of one client id of one caller, and what their client may have missed. */
interface Client {
  readonly sockets: Set<ClientSocket>;
  /** By job, in the order of their starts. */
  readonly journals: Map<string, Journal>;
}

/** Durable messages of ended prompts are kept for clients that come back, so long and so many. */
const keepEndedMs = 600_000;
const keepEnded = 1_000;
/** Ends of so long before this process began may not have gone out. */
const beforeBootMs = 60_000;

/** What everybody of a caller hears of prompts without a client, as in ComfyUI. */
const heardByAll: ReadonlySet<string> = new Set(['progress', 'progress_state', 'execution_interrupted']);
const isDurable = (type: string): boolean => type === 'execution_start' || type === 'executed';
const isLossy = (type: string): boolean => type === 'progress' || type === 'progress_state';

const nobody: ReadonlySet<ClientSocket> = new Set();
const textOf = (type: string, data: unknown): string => JSON.stringify({ type, data });

/**
 * Sockets of ComfyUI clients over the whole fleet: who hears what, in which order, and what is told again to a client that was away.
 * Live messages come over the bus; how a prompt ended is told when the store has it.
 */
export class NativeSockets {
  readonly #context: ApiContext;
  readonly #open: OpenPrompts;
  readonly #limits: ApiLimits;
  readonly #bootedAt: number;
  readonly #clients = new Map<string, Client>();
  readonly #statuses: Statuses;
  /** Sockets by caller and deployment. */
  readonly #present = new Map<string, Set<ClientSocket>>();
  /** Of prompts that run, by job. */
  readonly #journals = new Map<string, Journal>();
  /** Of ended ones whose clients have not heard all, oldest first. */
  readonly #ended = new Set<Journal>();
  /** Clients that were told the ends of before this process. */
  readonly #restored = new Set<string>();

  constructor(context: ApiContext, { open, limits }: { open: OpenPrompts; limits: ApiLimits }) {
    this.#context = context;
    this.#open = open;
    this.#limits = limits;
    this.#bootedAt = context.clock.now();
    this.#statuses = new Statuses({ clock: context.clock, message: (scope) => textOf('status', this.#statusOf(scope)) });
    context.bus.subscribe(promptsTopic, ({ data }) => this.#hear(data as PromptBusEvent));
    context.bus.subscribe(fleetTopic, ({ data }) => {
      const event = data as FleetBusEvent;
      if (event.kind === 'job' && event.job.prompt) this.#changed(event.job, event.change);
    });
  }

  /** Takes a socket that is open, until it closes. */
  add(socket: WebSocket, stream: Duplex, owner: SocketOwner): ClientSocket {
    const { clock, random, logger } = this.#context;
    const { caller, scope, clientId } = owner;
    const sid = clientId === '' ? random.id().replaceAll('-', '') : clientId;
    const one = new ClientSocket({ socket, stream, clock, backlogBytes: this.#limits.streamBacklogBytes });
    const name = clientName({ ...scope, caller }, sid);
    const client = this.#client(name);
    client.sockets.add(one);
    const leave = [this.#statuses.enter(scope, one), enter(this.#present, placeOf({ ...scope, caller }), one)];
    socket.once('close', () => {
      client.sockets.delete(one);
      for (const go of leave) go();
      this.#tidy(name, client);
    });
    readFeatures(socket, one, () => ({ supports_preview_metadata: true, max_upload_size: maxUploadBytes(this.#context, this.#limits) }));
    one.send(textOf('status', { ...this.#statusOf(scope), sid }));
    this.#repeat(one, client);
    if (clientId !== '') {
      this.#restore(one, owner, name).catch((error: unknown) => {
        logger.warn({ event: 'ends_unknown', component: 'api', error }, 'the ends that a client may have missed could not be read');
      });
    }
    return one;
  }

  /** What this client may have missed, and what runs now. */
  #repeat(socket: ClientSocket, client: Client): void {
    const journals = [...client.journals.values()];
    for (const journal of journals) {
      for (const entry of journal.entries) if (!entry.heard) this.#tell(socket, journal, entry);
    }
    const running = journals.find(({ node, endedAt }) => node !== null && endedAt === null);
    if (running) socket.send(textOf('executing', { node: running.node }));
  }

  /** Ends that the process before this one may not have told. */
  async #restore(socket: ClientSocket, { caller, scope, clientId }: SocketOwner, name: string): Promise<void> {
    const { clock, store } = this.#context;
    if (this.#restored.has(name) || clock.now() > this.#bootedAt + keepEndedMs) return;
    this.#restored.add(name);
    const ends = await store.endsForClient({ ...scope, caller, clientId, from: this.#bootedAt - beforeBootMs, to: this.#bootedAt });
    for (const { job, history } of ends) {
      const { before, last } = endOf({ job, history, executed: new Set() });
      for (const { type, data } of [...before, last]) socket.send(textOf(type, data));
    }
  }

  #hear(event: PromptBusEvent): void {
    const journal = this.#journalOf(event.job);
    if (event.kind === 'history') journal.history = event.history;
    else if (event.kind === 'message') this.#hearMessage(journal, event.message);
    else if (event.kind === 'text') {
      const frame = textFrame(event.node, event.text);
      for (const socket of this.#audience(event.job, true)) socket.send(frame);
    } else {
      journal.picture = event;
      let frame: Buffer | undefined;
      for (const socket of this.#audience(event.job, true))
        if (socket.wantsMetadata) socket.sendLossy((frame ??= frameWithMetadata(event)));
    }
  }

  #hearMessage(journal: Journal, { type, data }: ClientMessage): void {
    const message = textOf(type, data);
    const { node, display_node: display } = data;
    if (type === 'executing') journal.node = typeof display === 'string' ? display : typeof node === 'string' ? node : null;
    if (type === 'executed' && typeof node === 'string') journal.executed.add(node);
    if (!isLossy(type)) this.#showPicture(journal);
    if (isDurable(type)) this.#tellAll(journal, message, false);
    else {
      for (const socket of this.#audience(journal.job, heardByAll.has(type))) {
        if (isLossy(type)) socket.sendLossy(message);
        else socket.send(message);
      }
    }
    if (type === 'progress') this.#showPicture(journal);
  }

  /** To clients that did not announce metadata, a picture comes behind its step. */
  #showPicture(journal: Journal): void {
    const { picture, job } = journal;
    if (picture === null) return;
    journal.picture = null;
    let frame: Buffer | undefined;
    for (const socket of this.#audience(job, true)) if (!socket.wantsMetadata) socket.sendLossy((frame ??= plainFrame(picture)));
  }

  #changed(job: ToldJob, change: JobEvent['type']): void {
    if (change === 'requeued') beginAgain(this.#journalOf(job));
    if (change === 'started') this.#journalOf(job);
    if (isFinal(job.state)) this.#end(this.#journalOf(job));
    else if (change !== 'cancel_requested') this.#statusChanged(job);
  }

  #end(journal: Journal): void {
    const { job } = journal;
    this.#journals.delete(job.id);
    this.#showPicture(journal);
    if (leavesNoTrace(job)) {
      this.#forget(journal);
      this.#statusChanged(job);
      return;
    }
    journal.endedAt = this.#context.clock.now();
    const { before, last } = endOf(journal);
    for (const { type, data } of before) this.#tellAll(journal, textOf(type, data), heardByAll.has(type));
    this.#statusChanged(job);
    this.#tellAll(journal, textOf(last.type, last.data), false);
    if (clientOf(job) === null) return;
    this.#ended.add(journal);
    for (const old of this.#ended) {
      if (this.#ended.size <= keepEnded && Number(old.endedAt) > journal.endedAt - keepEndedMs) break;
      this.#forget(old);
    }
  }

  #statusOf(scope: PromptScope): object {
    return { status: { exec_info: { queue_remaining: this.#open.count(scope) } } };
  }

  #statusChanged(job: ToldJob): void {
    for (const place of Object.values(placesOf(job))) this.#statuses.changed(place);
  }

  /** Sends a message to the prompt's client, and keeps it until it was heard. `toAll`: if there is no client, to everybody of the caller. */
  #tellAll(journal: Journal, message: string, toAll: boolean): void {
    const { job } = journal;
    if (clientOf(job) === null) {
      for (const socket of this.#audience(job, toAll)) socket.send(message);
      return;
    }
    const entry: Entry = { message, heard: false };
    journal.entries.push(entry);
    for (const socket of this.#audience(job, toAll)) this.#tell(socket, journal, entry);
  }

  #tell(socket: ClientSocket, journal: Journal, entry: Entry): void {
    socket.send(entry.message, () => {
      entry.heard = true;
      if (journal.endedAt !== null && journal.entries.every(({ heard }) => heard)) this.#forget(journal);
    });
  }

  /** The sockets of the prompt's client; where it has none, nobody or (`toAll`) everybody of the caller. */
  #audience(job: ToldJob, toAll: boolean): ReadonlySet<ClientSocket> {
    const name = clientOf(job);
    if (name !== null) return this.#clients.get(name)?.sockets ?? nobody;
    return (toAll && this.#present.get(placesOf(job).own)) || nobody;
  }

  #journalOf(job: ToldJob): Journal {
    let journal = this.#journals.get(job.id);
    if (!journal) {
      journal = newJournal(job);
      this.#journals.set(job.id, journal);
      const name = clientOf(job);
      if (name !== null) this.#client(name).journals.set(job.id, journal);
    }
    journal.job = job;
    return journal;
  }

  #forget(journal: Journal): void {
    this.#ended.delete(journal);
    const name = clientOf(journal.job);
    const client = name === null ? undefined : this.#clients.get(name);
    if (name === null || !client) return;
    client.journals.delete(journal.job.id);
    this.#tidy(name, client);
  }

  #client(name: string): Client {
    let client = this.#clients.get(name);
    if (!client) this.#clients.set(name, (client = { sockets: new Set(), journals: new Map() }));
    return client;
  }

  #tidy(name: string, client: Client): void {
    if (client.sockets.size === 0 && client.journals.size === 0 && this.#clients.get(name) === client) this.#clients.delete(name);
  }
}

const clientName = (scope: PromptScope, clientId: string): string => `${placeOf(scope)} ${clientId}`;

function clientOf({ deployment, environment, workspace, key, prompt }: ToldJob): string | null {
  const clientId = prompt?.clientId ?? null;
  return clientId === null ? null : clientName({ deployment, environment, caller: { workspace, key } }, clientId);
}

/** The one thing that a client may say: what it can do, as its first message. Everything else is passed over. */
function readFeatures(socket: WebSocket, one: ClientSocket, ours: () => object): void {
  let first = true;
  socket.on('message', (data, isBinary) => {
    if (isBinary || !first) return;
    first = false;
    let message: unknown;
    try {
      message = JSON.parse((data as Buffer).toString());
    } catch {
      return;
    }
    const { type, data: said } = (message ?? {}) as { type?: unknown; data?: { supports_preview_metadata?: unknown } };
    if (type !== 'feature_flags') return;
    one.wantsMetadata = said?.supports_preview_metadata === true;
    one.send(textOf('feature_flags', ours()));
  });
}
