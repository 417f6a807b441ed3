import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { exitCodes } from './failure.ts';
import { createProgram } from './main.ts';
import type { Machine } from './machine.ts';

/** docs/reference/cli.md is what --help says. */

const machine = {
  terminal: { env: {}, cwd: '/', out: { write: () => true }, err: { write: () => true } },
  version: '0',
} as unknown as Machine;

/** The verbs, those of `keys` too. */
const leaves = (command: Command): Command[] => (command.commands.length === 0 ? [command] : command.commands.flatMap(leaves));

function helpOf(verb: Command): string {
  let text = '';
  verb.configureOutput({ writeOut: (part) => (text += part) }).configureHelp({ helpWidth: 120 });
  verb.outputHelp();
  return text.trim();
}

const nameOf = (verb: Command): string => (verb.parent?.parent ? `${verb.parent.name()} ${verb.name()}` : verb.name());

const page = (): string => `# The command line

\`comfleet VERB\`; in a clone \`npm start\` is \`comfleet up\`, and \`npm run --silent comfleet -- VERB\` is any other. \`up\` and \`doctor\` read
the configuration (configuration.md); the other verbs speak to a running gateway: \`--url\`, else \`COMFLEET_URL\`, else
http://127.0.0.1:8288, with the key in \`COMFLEET_KEY\`. \`keys\` works on the data folder itself when no gateway runs.

Results go to standard output, progress and errors to standard error. With \`--json\` the result is one line of JSON (\`logs\`: one a
line), and a failure is \`{"error": {"detail", "code", "next", ...}}\`.

| Exit code | Meaning |
| --- | --- |
${Object.entries(exitCodes)
  .map(([code, meaning]) => `| ${code} | ${meaning} |`)
  .join('\n')}

${leaves(createProgram(machine, () => undefined))
  .map((verb) => `## comfleet ${nameOf(verb)}\n\n\`\`\`\n${helpOf(verb)}\n\`\`\`\n`)
  .join('\n')}`;

test('docs/reference/cli.md is in step (after a change: npm test -- src/cli -u)', async () => {
  await expect(page()).toMatchFileSnapshot('../../docs/reference/cli.md');
});
