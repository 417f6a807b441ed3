import { Readable } from 'node:stream';
import type { Assets } from '../assets/assets.ts';
import type { Clock, Random } from '../fleet/clock.ts';
import { Connection, defaultWatchTimes, type WatchTimes } from './connection.ts';
import type { SocketImage } from './messages.ts';
import type { FileReference } from './protocol.ts';
import { resultOfHistory } from './results.ts';
import type { Endpoint, PromptResult, PromptRunner, RunOptions } from './runner.ts';
import { submitPrompt } from './submit.ts';
import { PromptTrack } from './track.ts';

export interface PromptRunnerOptions {
  readonly assets: Assets;
  readonly clock: Clock;
  readonly random: Random;
  readonly times?: Partial<WatchTimes>;
}

/** Runs prompts on ComfyUI servers over their own API. One set of HTTP connections and one socket per server, made when first needed. */
export function createPromptRunner({ assets, clock, random, times }: PromptRunnerOptions): PromptRunner & { close(): void } {
  const connections = new Map<string, Connection>();
  const held = new WeakMap<FileReference, SocketImage>();
  const watchTimes = { ...defaultWatchTimes, ...times };

  const keyOf = ({ url, socketPath = '' }: Endpoint): string => `${socketPath} ${url}`;

  function connectionTo(endpoint: Endpoint): Connection {
    const key = keyOf(endpoint);
    const known = connections.get(key);
    if (known) return known;
    const connection = new Connection({ endpoint, clock, random, times: watchTimes });
    connections.set(key, connection);
    return connection;
  }

  return {
    async run(endpoint, prompt, { signal, onEvent }) {
      if (signal.aborted) return { kind: 'interrupted' };
      const connection = connectionTo(endpoint);
      await connection.open();
      const { listening } = connection;
      const everything = prompt.client !== null;
      const track = new PromptTrack({ promptId: prompt.id, graph: prompt.graph, onEvent, at: clock.now(), listening, everything, held });
      return follow(connection, track, signal, async () => {
        const refusal = await submitPrompt(connection, assets, prompt, signal);
        if (refusal) return track.end(refusal);
        track.submitted = true;
        track.heardAt = clock.now();
        onEvent({ type: 'submitted' });
      });
    },

    async resume(endpoint, promptId, { signal, onEvent }: RunOptions) {
      const connection = connectionTo(endpoint);
      await connection.open();
      const { running, pending } = await connection.http.queue();
      const item = [...running, ...pending].find((entry) => entry[1] === promptId);
      if (!item) {
        const entry = await connection.http.history(promptId);
        return entry && { ...resultOfHistory(entry, null), entry };
      }
      // Its messages go to the socket of the gateway that submitted it.
      const track = new PromptTrack({ promptId, graph: item[2], onEvent, at: clock.now(), listening: false, everything: true, held });
      track.submitted = true;
      return follow(connection, track, signal, () => Promise.resolve());
    },

    async download(endpoint, file) {
      const picture = held.get(file);
      if (picture) return { stream: Readable.from([picture.image]), mime: picture.mime };
      return connectionTo(endpoint).http.view(file);
    },

    definitions: (endpoint) => connectionTo(endpoint).http.definitions(),
    catalogue: (endpoint) => connectionTo(endpoint).http.catalogue(),
    pass: (endpoint, request) => connectionTo(endpoint).http.pass(request),

    forget(endpoint) {
      connections.get(keyOf(endpoint))?.close();
      connections.delete(keyOf(endpoint));
    },

    close() {
      for (const connection of connections.values()) connection.close();
      connections.clear();
    },
  };
}

/** Waits for a prompt's end, and for it to be ended when the signal says so. */
async function follow(connection: Connection, track: PromptTrack, signal: AbortSignal, begin: () => Promise<void>): Promise<PromptResult> {
  const cancel = (): void => void connection.cancel(track);
  signal.addEventListener('abort', cancel, { once: true });
  connection.follow(track);
  try {
    await begin();
    if (signal.aborted) cancel();
    return await track.result;
  } catch (error) {
    track.end({ kind: 'interrupted' });
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
