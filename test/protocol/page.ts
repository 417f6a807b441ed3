import { nodeClasses } from '../../src/emulator/nodes/registry.ts';
import { emulatorLimits, imitations } from './differences.ts';
import type { Imitation } from './differences.ts';
import { loose } from './scenarios.ts';
import { loadTranscript, recordedObjectInfo, scenarioNames } from './transcript.ts';

/** docs/reference/protocol.md, made from the tables that the replays are checked against. */

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Numbers of the differences that a scenario shows, counted over all imitations. */
function verdict({ differences, skipped }: Imitation, scenario: string, first: number): string {
  const reason = skipped[scenario];
  if (reason !== undefined) return `not replayed: ${reason}`;
  const numbers = differences.flatMap(({ scenarios }, at) => (scenarios.includes(scenario) ? [first + at] : []));
  return numbers.length === 0 ? 'same' : `differs: ${numbers.join(', ')}`;
}

const freedoms = { anyPixels: 'pixels of the sampler', anyPace: 'number of steps', anyOrder: 'which output runs first' } as const;

function openIn(scenario: string): string {
  const found = loose[scenario] ?? {};
  return Object.entries(freedoms)
    .flatMap(([key, what]) => (found[key as keyof typeof freedoms] ? [what] : []))
    .join(', ');
}

export function protocolPage(): string {
  const firsts = imitations.map((_, index) => 1 + imitations.slice(0, index).reduce((sum, { differences }) => sum + differences.length, 0));
  const rows = scenarioNames.map((name) => {
    const { description, server } = loadTranscript(name);
    const flags = (server.flags ?? []).join(' ').replace(/^--cpu .*?--fp32-vae ?/, '');
    const what = `${description}${flags === '' ? '' : ` (\`${flags}\`)`}`;
    const verdicts = imitations.map((imitation, index) => verdict(imitation, name, firsts[index] as number));
    return `| \`${name}\` | ${cell(what)} | ${verdicts.join(' | ')} | ${openIn(name)} |`;
  });
  const differences = imitations.flatMap(({ name, differences: list }, index) =>
    list.map(({ name: title, why, scenarios }, at) => {
      const where = scenarios.map((scenario) => `\`${scenario}\``).join(', ');
      return `| ${(firsts[index] as number) + at} | ${name} | ${cell(title)} | ${cell(why)} | ${where} |`;
    }),
  );
  const approximate = Object.entries(nodeClasses).flatMap(([name, { approximate: is }]) => (is ? [`\`${name}\``] : []));
  return `# How true the ComfyUI protocol is

A real ComfyUI ${loadTranscript('image_success').server.comfyui_version} was recorded in ${scenarioNames.length} scenarios (\`test/protocol/golden\`). \`npm test -- protocol\` sends the same
requests and socket messages again, in the same order, and compares every answer and every message: statuses, headers, JSON, the order on
each socket, decoded pixels and text chunks of pictures. A difference that is not in the table below fails the test and is printed side by
side; one that is in the table and does not occur fails it, too. "Open" is what a real server would not repeat either.

Replaced before comparing: ids and names that a server makes up, times, sizes of memory, versions, paths, tracebacks, tensors written as text.

| Scenario | What it shows | ${imitations.map(({ name }) => name).join(' | ')} | Open |
| --- | --- | ${imitations.map(() => '---').join(' | ')} | --- |
${rows.join('\n')}

## Known differences

| No. | Of | Difference | Why | Seen in |
| --- | --- | --- | --- | --- |
${differences.join('\n')}

## Emulated containers

They define and run ${Object.keys(nodeClasses).length} nodes, ${Object.keys(recordedObjectInfo()).length} of them with the recorded \`/object_info\`; the others are
loaders without which ComfyUI's page does not work. Nodes that make, move, invert or save pixels do it
exactly. Models are emulated: they take the time of the profile, and draw a picture that depends on text and seed alone, marked EMULATED.
These nodes make results of the right shape that only resemble the real ones, and the \`comfleet\` chunk of a PNG names them:
${approximate.join(', ')}.

No scenario shows these limits, which exist since hundreds of containers share one process:

${emulatorLimits.map((limit) => `- ${limit}`).join('\n')}
`;
}
