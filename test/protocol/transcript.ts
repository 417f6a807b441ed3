import { readFileSync, readdirSync } from 'node:fs';

/** Golden transcripts of a real ComfyUI: what clients sent to it, and what it answered, over HTTP and sockets. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Message = { type: string; data: { [key: string]: Json } };

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly json?: Json;
  readonly body?: string;
  readonly multipart?: readonly { name: string; value?: string; filename?: string; content_type?: string; base64?: string }[];
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly json?: Json;
  readonly text?: string;
  readonly base64?: string;
  readonly empty?: boolean;
}

export type Event = { readonly seq: number; readonly t_ms: number } & (
  | { kind: 'http'; t_start_ms: number; request: HttpRequest; response: HttpResponse; note?: string }
  | { kind: 'ws_open'; conn: string; path: string; query: Record<string, string> }
  | { kind: 'ws_send'; conn: string; json?: Json; text?: string }
  | { kind: 'ws_recv'; conn: string; frame: 'text' | 'binary'; json?: Message; base64?: string }
  | { kind: 'ws_close' | 'ws_closed'; conn: string; code?: number }
  | { kind: 'mark' }
  | { kind: 'state'; queue_running: Json[]; queue_pending: Json[]; history: { [id: string]: Json } }
);

export interface Transcript {
  readonly scenario: string;
  readonly description: string;
  readonly server: { readonly comfyui_version: string; readonly flags?: readonly string[] };
  readonly events: readonly Event[];
}

const folder = new URL('./golden/', import.meta.url);

export function loadTranscript(name: string): Transcript {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Transcript;
}

/** Names of all recorded scenarios; `object_info` is none, but one large answer. */
export const scenarioNames: readonly string[] = readdirSync(folder)
  .map((file) => file.replace(/\.json$/, ''))
  .filter((name) => name !== 'object_info')
  .sort();

/** `/object_info` of a real server: 75 of its nodes. */
export const recordedObjectInfo = (): Record<string, Json> =>
  JSON.parse(readFileSync(new URL('object_info.json', folder), 'utf8')) as Record<string, Json>;
