import { Command, CommanderError } from 'commander';
import { packageVersion } from '../version.ts';
import { containersVerb } from './containers.ts';
import { deployVerb } from './deploy.ts';
import { doctorVerb } from './doctor.ts';
import { addExperiment } from './experiment.ts';
import { exitCodes, report, UsageError, type ExitCode } from './failure.ts';
import { jobsVerb } from './jobs.ts';
import { addKeys } from './keys.ts';
import { logsVerb } from './logs.ts';
import type { Machine } from './machine.ts';
import { planVerb } from './plan.ts';
import { runVerb } from './run.ts';
import { scaleVerb } from './scale.ts';
import { simulateVerb } from './simulate.ts';
import { topVerb } from './top.ts';
import { traceVerb } from './trace.ts';
import { upVerb } from './up.ts';
import { addVerb, commanderCode } from './verb.ts';

const verbs = [
  upVerb,
  deployVerb,
  runVerb,
  scaleVerb,
  jobsVerb,
  containersVerb,
  logsVerb,
  topVerb,
  traceVerb,
  simulateVerb,
  planVerb,
  doctorVerb,
];

/** Runs one command line (without node and script) and gives its exit code; never throws, never exits. */
export async function main(argv: readonly string[], machine: Machine): Promise<ExitCode> {
  let code: ExitCode = 0;
  const json = argv.includes('--json');
  const program = createProgram(machine, (result) => (code = result), json);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error, machine.terminal, json);
    if (error.exitCode === 0 || !json) return commanderCode(error);
    return report(new UsageError(error.message.replace(/^error: /, '')), machine.terminal, json);
  }
  return code;
}

/** The whole command line; `done` gets the exit code of the verb that ran. With `json` it writes no complaint: `main` does. */
export function createProgram(machine: Machine, done: (code: ExitCode) => void, json = false): Command {
  const { out, err } = machine.terminal;
  const program = new Command('comfleet')
    .description('A ComfyUI workflow file in, a production API out: on GPUs that you own or rent.')
    .version(machine.version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => void out.write(text), writeErr: (text) => void (json || err.write(text)) })
    .showHelpAfterError('(comfleet --help lists the verbs, comfleet VERB --help shows how one is used)')
    .addHelpText('after', helpEnd());
  for (const verb of verbs) addVerb(program, verb, machine, done);
  addExperiment(program, machine, done);
  addKeys(program, machine, done);
  return program;
}

const helpEnd = (): string => `
Examples:
  $ comfleet up                                        everything on this machine
  $ comfleet run collage prompt="a regal phoenix"      one picture, saved here
  $ comfleet top                                       what the fleet does now

Exit codes:
${Object.entries(exitCodes)
  .map(([code, meaning]) => `  ${code}  ${meaning}`)
  .join('\n')}
`;

/** The command as the machine runs it; `bin/comfleet.js` calls this. */
export async function run(): Promise<void> {
  const { stdout: out, stderr: err, env } = process;
  // A reader that went away, as head does, ends the output without a complaint.
  out.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.exitCode = await main(process.argv.slice(2), {
    terminal: { env, cwd: process.cwd(), out, err },
    version: packageVersion,
    signals: (listener) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, listener);
      return () => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, listener);
      };
    },
    // Loaded when needed: the client verbs start faster without the server.
    startApp: async (config) => (await import('../app.ts')).startApp(config),
    openKeys: async (config) => (await import('../app.ts')).openKeys(config),
  });
}
