import { existsSync } from 'node:fs';
import { ComfleetError, toProblem, type Problem } from '../errors.ts';
import { palette, plain, type Terminal } from './terminal.ts';

/** Exit codes of every verb. */
export const exitCodes = {
  0: 'done',
  1: 'it was tried and failed: the job failed, the gateway refused or is away, the port is in use, a trace has a wrong line',
  2: 'it was not tried: the command line or the configuration is wrong',
} as const;

export type ExitCode = keyof typeof exitCodes;

/** The command line itself is wrong. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** A file of the command line that cannot be had. */
export function unreadable(file: string, error: unknown): UsageError {
  if (!existsSync(file)) return new UsageError(`There is no file ${file}`);
  return new UsageError(`${file} cannot be read (${error instanceof Error ? error.message : String(error)})`);
}

/** A problem document that the gateway answered with. */
export class RefusedError extends Error {
  readonly problem: Partial<Problem> & { readonly detail: string };
  /** True: no gateway was reached at all. */
  readonly away: boolean;

  constructor(problem: Partial<Problem> & { readonly detail: string }, away = false) {
    super(problem.detail);
    this.name = 'RefusedError';
    this.problem = problem;
    this.away = away;
  }
}

/** What was wrong and what to do next, for people on `err` or as one JSON line; the exit code. */
export function report(error: unknown, terminal: Terminal, json: boolean): ExitCode {
  const debug = (terminal.env['COMFLEET_DEBUG'] ?? '') !== '';
  const problem = problemOf(error);
  if (json) terminal.out.write(`${JSON.stringify({ error: problem })}\n`);
  else {
    const paint = palette(terminal.err, terminal.env);
    terminal.err.write(`${paint.red('error')} ${plain(problem.detail)}\n`);
    if (problem.next !== undefined) terminal.err.write(`${paint.dim('next')}  ${plain(problem.next)}\n`);
  }
  if (debug && error instanceof Error) terminal.err.write(`${error.stack ?? error.message}\n`);
  return error instanceof UsageError || problem.code === 'invalid_config' ? 2 : 1;
}

function problemOf(error: unknown): { detail: string; next?: string; code?: string; [extra: string]: unknown } {
  if (error instanceof RefusedError) return error.problem;
  if (error instanceof UsageError) return { detail: error.message, code: 'usage' };
  if (error instanceof ComfleetError) return toProblem(error);
  const detail = error instanceof Error ? error.message : String(error);
  return { detail, code: 'internal', next: 'Run it again with COMFLEET_DEBUG=1 to see where it came from, and please report it.' };
}
