import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { z } from 'zod';
import { ComfleetError } from '../errors.ts';
import type { RuntimeEvent } from '../runtimes/runtime.ts';

/**
 * What a gateway and a host's supervisor say to each other: HTTP and JSON over a local socket.
 *
 *     GET    /supervisor                      who it is
 *     PUT    /lease                           a gateway lives; without one for `leaseMs` everything is stopped
 *     GET    /containers                      what is there, for adoption
 *     POST   /containers       StartRequest   begins a start
 *     DELETE /containers/ID?epoch=&grace_ms=  answers when it is gone
 *     GET    /events?instance=&after=SEQ      NDJSON of EventLine, goes on for ever
 *     GET    /containers/ID/logs?follow=1     NDJSON of LogLine, ends with the container
 *     POST   /shutdown         {grace_ms}     stops everything, answers, exits
 *
 * Calls that change something carry the controller's epoch; one below the highest seen is refused with 409.
 */
export const startRequest = z.strictObject({
  id: z.string().regex(/^[0-9a-zA-Z-]{1,64}$/),
  epoch: z.int().min(0),
  slot: z.strictObject({ host: z.string(), device: z.string(), gpu: z.string().nullable(), share: z.number().min(0).max(1) }),
  deployment: z.string(),
  revision: z.string(),
  launch: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('emulated'), profile: z.string() }),
    z.strictObject({
      kind: z.literal('process'),
      /** Folder of the ComfyUI checkout. */
      path: z.string(),
      python: z.string(),
      args: z.array(z.string()),
      device: z.discriminatedUnion('kind', [
        /** By its number, for CUDA and for ROCm, which goes by the same flag. */
        z.strictObject({ kind: z.literal('cuda'), index: z.int().min(0) }),
        /** The GPU that ComfyUI chooses itself: Intel's and Apple's have no number to give. */
        z.strictObject({ kind: z.literal('default') }),
        z.strictObject({ kind: z.literal('cpu') }),
      ]),
    }),
  ]),
});

export type StartRequest = z.infer<typeof startRequest>;
export type Launch = StartRequest['launch'];

/** A place in the stream of events: each life of a supervisor (`instance`) numbers its own from 1. */
export interface EventPosition {
  readonly instance: string;
  /** Number of the last event. */
  readonly seq: number;
}

export interface SupervisorInfo extends EventPosition {
  readonly pid: number;
}

/** An event with its number. */
export interface SupervisorEvent {
  readonly seq: number;
  readonly event: Exclude<RuntimeEvent, { type: 'interrupted' | 'resumed' | 'reset' }>;
}

/** A reader who comes from a place that is not known here is told from where on it hears events, and must look at the list again. */
export type EventLine = SupervisorEvent | { readonly reset: EventPosition };

/** The shortest limit of the systems that we run on, less a byte for its end. */
const longestSocketPath = 103;

/**
 * Makes the folder of a supervisor's socket, if it is not the data folder itself. Everybody can write into the temporary folder: one that
 * somebody else has made there would hand them our containers. Error: `supervisor_failed`.
 */
export function makeSocketFolder(folder: string): void {
  const place = dirname(socketPathOf(folder));
  if (place === folder) return;
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const found = lstatSync(place);
  if (found.isDirectory() && found.uid === getuid?.() && (found.mode & 0o077) === 0) return;
  throw new ComfleetError('supervisor_failed', `${place} is not this user's own: remove it, or use a data folder with a shorter path`);
}

/** Where the supervisor of a data folder listens: in the folder, or, where that path is too long for a socket, in the temporary folder. */
export function socketPathOf(folder: string): string {
  const path = join(folder, 'supervisor.sock');
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return join(tmpdir(), `comfleet-${name}`, 'supervisor.sock');
}
