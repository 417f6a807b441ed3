import type { IncomingHttpHeaders } from 'node:http';
import { ComfleetError } from '../errors.ts';
import type { Job, Timing } from '../jobs/job.ts';
import { parseOutboundUrl } from '../outbound/safe-fetch.ts';

/** The request headers that say how a job is to be run and answered, and the answer headers that say how it was. */

export const defaultWaitMs = 120_000;
export const maxWaitMs = 600_000;

/** Throws `invalid_parameter`. */
export function fail(what: string, why: string): never {
  throw new ComfleetError('invalid_parameter', `${what}: ${why}`, { errors: [{ path: what, message: why }] });
}

/** `Prefer: respond-async` and `Prefer: wait=N` (seconds). Other preferences are ignored, as RFC 7240 asks. */
export function preferences(headers: IncomingHttpHeaders): { async: boolean; waitMs: number } {
  const parts = [headers['prefer'] ?? []]
    .flat()
    .join(',')
    .split(/[,;]/)
    .map((part) => part.trim().toLowerCase());
  const wait = parts.map((part) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(part)?.[1]).find((seconds) => seconds !== undefined);
  return {
    async: parts.includes('respond-async'),
    waitMs: wait === undefined ? defaultWaitMs : Math.min(Number(wait) * 1000, maxWaitMs),
  };
}

/** Does the client ask for JSON by name? `*` and no header at all mean the bytes. */
export function wantsJson(headers: IncomingHttpHeaders): boolean {
  return /(^|[\s,])application\/json\s*(;|,|$)/i.test(headers.accept ?? '');
}

export interface JobOptions {
  readonly priority: number;
  readonly deadlineAt: number | null;
  readonly webhook: string | null;
}

/** -100 to 100. */
export function parsePriority(value: string | number, what: string): number {
  const priority = typeof value === 'number' ? value : Number(value.trim() === '' ? Number.NaN : value);
  if (!Number.isInteger(priority) || Math.abs(priority) > 100) fail(what, 'must be a whole number from -100 to 100');
  return priority;
}

/** RFC 3339, or seconds from now; epoch milliseconds. It must lie ahead. */
export function parseDeadline(value: string | number, now: number, what: string): number {
  const seconds = typeof value === 'number' || /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : null;
  const dated = typeof value === 'string' && /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*(?:[Zz]|[+-]\d\d:\d\d)$/.test(value.trim());
  const at = seconds === null ? (dated ? Date.parse(value.trim()) : Number.NaN) : now + seconds * 1000;
  if (!Number.isFinite(at)) fail(what, 'must be a time like 2030-01-31T12:00:00Z, or seconds from now');
  if (at <= now) fail(what, 'lies in the past');
  // Longer years have no RFC 3339 form.
  if (at >= Date.UTC(10_000, 0)) fail(what, 'lies beyond the year 9999');
  return at;
}

/** A URL that may be called when the job ends. Error: `url_refused`. Its address is checked when it is called. */
export function parseWebhook(value: string, what: string): string {
  try {
    return parseOutboundUrl(value.trim()).href;
  } catch (error) {
    throw error instanceof ComfleetError
      ? new ComfleetError(error.code, `${what}: ${error.message}`, error.details, { cause: error })
      : error;
  }
}

/** `X-Comfleet-Priority`, `X-Comfleet-Deadline`, `X-Comfleet-Webhook`. */
export function optionsFromHeaders(headers: IncomingHttpHeaders, now: number): JobOptions {
  const priority = single(headers, 'x-comfleet-priority');
  const deadline = single(headers, 'x-comfleet-deadline');
  const webhook = single(headers, 'x-comfleet-webhook');
  return {
    priority: priority === undefined ? 0 : parsePriority(priority, 'X-Comfleet-Priority'),
    deadlineAt: deadline === undefined ? null : parseDeadline(deadline, now, 'X-Comfleet-Deadline'),
    webhook: webhook === undefined ? null : parseWebhook(webhook, 'X-Comfleet-Webhook'),
  };
}

/** Null without the header. */
export function idempotencyKey(headers: IncomingHttpHeaders): string | null {
  const key = single(headers, 'idempotency-key');
  if (key === undefined) return null;
  if (key.length < 1 || key.length > 255) fail('Idempotency-Key', 'must have 1 to 255 characters');
  return key;
}

/** Does the job end when this client goes away? It says so beforehand; an accepted job goes on by default. */
export function cancelsOnDisconnect(headers: IncomingHttpHeaders): boolean {
  const choice = single(headers, 'x-comfleet-on-disconnect')?.trim().toLowerCase() ?? 'continue';
  if (choice !== 'continue' && choice !== 'cancel') fail('X-Comfleet-On-Disconnect', 'must be continue or cancel');
  return choice === 'cancel';
}

function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Headers of every answer about one job. */
export function jobHeaders(job: Job): Record<string, string> {
  return {
    'x-comfleet-job-id': job.id,
    ...(job.container === null ? {} : { 'x-comfleet-container-id': job.container }),
    ...(job.timing === null ? {} : { 'server-timing': serverTiming(job.timing) }),
  };
}

/** Milliseconds, to a tenth. */
function serverTiming({ queue, cold, run, store }: Timing): string {
  const parts = { queue, cold, run, store };
  return Object.entries(parts)
    .map(([name, ms]) => `${name};dur=${Math.round(ms * 10) / 10}`)
    .join(', ');
}
