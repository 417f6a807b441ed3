import type { Command, CommanderError } from 'commander';
import { parseExact } from '../exact-json.ts';
import { createClient, defaultUrl, type Client } from './client.ts';
import { report, UsageError, type ExitCode } from './failure.ts';
import type { Machine } from './machine.ts';
import { palette, type Palette } from './terminal.ts';

/** What a verb gets when it runs. */
export interface Session extends Machine {
  readonly paint: Palette;
  readonly json: boolean;
  /** The gateway of --url or COMFLEET_URL. */
  readonly client: Client;
  /** Options of the command line by their camelCase names. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
  /** Writes the result: `value` as one JSON line with --json, else `text`. */
  readonly print: (value: unknown, text: () => string) => void;
}

export interface VerbSpec {
  readonly name: string;
  /** `<deployment> [values...]` */
  readonly usage?: string;
  readonly summary: string;
  readonly examples: readonly string[];
  /** False: it needs no running gateway, so no --url. */
  readonly remote?: boolean;
  readonly options?: (command: Command) => Command;
  readonly run: (session: Session) => Promise<ExitCode | void>;
}

/** Adds a verb to `parent`; `done` gets its exit code. */
export function addVerb(parent: Command, spec: VerbSpec, machine: Machine, done: (code: ExitCode) => void): void {
  const command = parent.command(`${spec.name}${spec.usage === undefined ? '' : ` ${spec.usage}`}`).description(spec.summary);
  spec.options?.(command);
  if (spec.remote !== false) command.option('--url <url>', `the gateway (else COMFLEET_URL, else ${defaultUrl})`);
  command.option('--json', 'answer with JSON for programs');
  command.addHelpText('after', `\nExamples:\n${spec.examples.map((example) => `  $ comfleet ${example}\n`).join('')}`);
  command.action(async () => {
    const options = command.opts<Record<string, unknown>>();
    const json = options['json'] === true;
    try {
      done((await spec.run(sessionOf(machine, command, options, json))) ?? 0);
    } catch (error) {
      done(report(error, machine.terminal, json));
    }
  });
}

function sessionOf(machine: Machine, command: Command, options: Record<string, unknown>, json: boolean): Session {
  const { terminal } = machine;
  const url = (options['url'] as string | undefined) ?? (terminal.env['COMFLEET_URL'] || defaultUrl);
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new UsageError(`${url} is not the URL of a gateway; write e.g. --url ${defaultUrl}`);
  }
  return {
    ...machine,
    paint: palette(terminal.out, terminal.env),
    json,
    client: createClient({ url, key: terminal.env['COMFLEET_KEY'] || null }),
    options,
    args: command.args,
    print: (value, text) => void terminal.out.write(json ? `${JSON.stringify(value)}\n` : text()),
  };
}

/** `name=value` arguments as a mapping; the values are still text. Error: `UsageError`. */
export function pairs(args: readonly string[], example: string): [string, string][] {
  return args.map((arg) => {
    const at = arg.indexOf('=');
    if (at <= 0) throw new UsageError(`"${arg}" is not name=value; write e.g. ${example}`);
    return [arg.slice(0, at), arg.slice(at + 1)];
  });
}

/** A value as JSON where it is some (numbers, true, lists), else as text; numbers that JavaScript cannot hold as their digits. */
export function jsonOrText(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}

/** The exit code of commander's own endings: 0 for --help and --version, else 2. */
export const commanderCode = (error: CommanderError): ExitCode => (error.exitCode === 0 ? 0 : 2);
