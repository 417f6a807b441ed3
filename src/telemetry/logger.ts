import { createHash } from 'node:crypto';
import { type DestinationStream, type Logger, pino } from 'pino';
import { ComfleetError } from '../errors.ts';
import { formatLine } from './text-log.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `text` is for people: one line each, without the fields that only programs need. */
  readonly format: LogFormat;
  /** Where lines go; standard error when left out. */
  readonly destination?: DestinationStream;
  /** With colours; only for `text`. */
  readonly color?: boolean;
}

const secrets = ['authorization', 'cookie', 'x-api-key', 'token', 'secret', 'password'];
const quoted = (name: string): string => `["${name}"]`;
const redacted = secrets.flatMap((name) => [quoted(name), `*${quoted(name)}`, `*.*${quoted(name)}`]);

const infoLevel = 30;

/** What users write: at info and above only its length and hash are logged. */
const userContent = ['prompt', 'inputs', 'graph'];

/**
 * The log: one JSON object a line with `ts`, `level`, `msg`, `event`, `component` and what the event is about (`job_id`,
 * `container_id`, ...). Secrets are never written, prompts not at info. Writes are synchronous, so that the last words of a
 * process that dies are there.
 */
export function createLogger({ level, format, destination, color = false }: LoggerOptions): Logger {
  const out = destination ?? pino.destination({ dest: 2, sync: true });
  const stream: DestinationStream = format === 'json' ? out : { write: (line) => out.write(formatLine(line, color)) };
  return pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      errorKey: 'error',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      redact: { paths: redacted, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }), log: renameError },
      serializers: { error: describeError },
      hooks: {
        logMethod(args, method, levelNumber) {
          if (levelNumber >= infoLevel && isFields(args[0])) args[0] = withoutUserContent(args[0]);
          method.apply(this, args);
        },
      },
    },
    stream,
  );
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !(value instanceof Error);

function withoutUserContent(fields: Record<string, unknown>): Record<string, unknown> {
  if (!userContent.some((name) => name in fields)) return fields;
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!userContent.includes(name)) {
      kept[name] = value;
      continue;
    }
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    kept[`${name}_length`] = text.length;
    kept[`${name}_sha256`] = createHash('sha256').update(text).digest('hex').slice(0, 16);
  }
  return kept;
}

/** pino's habit is `err`; the field is `error`. */
function renameError(fields: Record<string, unknown>): Record<string, unknown> {
  if (!('err' in fields)) return fields;
  const { err, ...others } = fields;
  return { ...others, error: describeError(err) };
}

/** `{type, message}`, with the stack only where the error is not one of the catalogue: those say all in their words. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof ComfleetError) return { type: error.code, message: error.message };
  const code = (error as NodeJS.ErrnoException).code;
  return { type: code ?? error.name, message: error.message, stack: error.stack };
}
