import { formatDuration } from '../../src/config/duration.ts';
import { policies } from '../../src/fleet/scaling/policies.ts';
import type { PolicySetting } from '../../src/fleet/scaling/policy.ts';
import { policyNames, type PolicyName } from '../../src/fleet/scaling/settings.ts';

/** The reference of policies: what their source says of them, and their settings. `read` gives a source file. */
export function policiesPage(read: (path: string) => string): string {
  const sections = policyNames.map((name) => `## ${name}\n\n${describe(name, read)}\n\n${settingsOf(name)}`);
  return `# Scaling policies

A policy decides how many containers there should be; \`deployments.NAME.scaling.policy\` names it, and \`comfleet scale NAME policy=...\` changes it
while the fleet runs. It sees counts of jobs and containers, and starts, stops and gives up starts; never does it stop a container with a prompt. Limits
stand above every policy: \`max_containers\`, a hard budget, the workspace's GPU limit, the slots that there are, and a pause after failed starts.

A hard budget is kept on the mean. What was not spent is saved up, at most the money of an hour, and what is saved may be spent within five minutes: so
any hour costs at most twice the budget, any day at most 25 times, and for some minutes up to 13 times as many containers run as the budget pays for
all the time. Once it is spent as many stay as it pays for (below the price of one: none, until five minutes of one are saved), and a job that
would wait longer than ten times the latency target for money is refused with 429 \`over_budget\`, of low priority first. Prompts that run then are
finished, beyond the budget. The prices are those of \`gpus\`.

Each is the very code that \`comfleet simulate\` and \`comfleet plan\` run. Those that people know from elsewhere equal recorded decisions of the
original, tick for tick, where its code is public; where it is not, they are called "like" it and say what is our reading. What each comes to:
[policies, measured](policies-measured.md).

${sections.join('\n\n')}

While it learns: the first jobs of a cold deployment wait for a start, and so may the first five or ten that come one by one, until it has seen
how they come and what a start takes. \`min_containers=1\` spares all but the very first that, at the price of one container; once it has learnt,
the same container mostly stands there without it.
`;
}

function describe(name: PolicyName, read: (path: string) => string): string {
  const source = read(`src/fleet/scaling/${name}.ts`);
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\nexport const \w+: Policy = /.exec(source)?.[1];
  if (comment === undefined) throw new Error(`src/fleet/scaling/${name}.ts says nothing of its policy`);
  const lines = comment.split('\n').map((line) => line.replace(/^ \* ?/, '').trimEnd());
  return lines.join('\n').trim();
}

function settingsOf(name: PolicyName): string {
  const rows = Object.entries(policies[name].settings).map(
    ([key, setting]) => `| \`${key}\` | \`${defaultOf(setting)}\` | ${setting.what} |`,
  );
  if (rows.length === 0) return 'No settings of its own.';
  return ['| `policy_settings` | Default | Meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

const defaultOf = ({ default: value, unit }: PolicySetting): string => (unit === 'duration' ? formatDuration(value) : String(value));
