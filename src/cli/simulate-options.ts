import type { Command } from 'commander';
import { workloadGroups } from '../planning/workloads.ts';

/** Options of the verbs that simulate: where jobs come from, and what they and containers take. */
export const sourceOptions = (command: Command, { seconds = '600' } = {}): Command =>
  command
    .option('--workload <name>', 'jobs that are drawn, one of those below')
    .option('--trace <file>', 'jobs that were recorded: CSV with the header arrival_s,service_s and optional model,user,workflow')
    .option('--closed-loop <users=n,wait=a-b>', 'users who each wait for their answer, pause a to b seconds, and ask again')
    .option('--seconds <n>', 'how long they do so', seconds)
    .option('--profile <name>', 'a timing profile: start, time outside the GPU, and for --closed-loop the jobs (else a10g-collage)')
    .option('--slo <target>', 'the latency target, e.g. p95=6s', 'p95=6s')
    .option('--start-seconds <n>', "what a container takes from its start until it is ready (else the profile's, else 20)")
    .option('--load-seconds <n>', "what a container takes to load a model that it does not hold (else the workload's, else 0)")
    .option('--horizon <seconds>', 'end of the accounts, not before the last arrival (else that)')
    .option('--seed <n>', 'of what is drawn', '1');

/** The workloads' names, group by group, a few on a line. */
export const workloadHelp = `\nWorkloads (docs/reference/workloads.md):\n${workloadLines().join('\n')}`;

function workloadLines(): string[] {
  return Object.entries(workloadGroups).flatMap(([group, members]) => {
    const names = Object.keys(members);
    const lines = Array.from({ length: Math.ceil(names.length / 5) }, (_, row) => names.slice(row * 5, row * 5 + 5).join(', '));
    return lines.map((line, row) => `  ${(row === 0 ? group : '').padEnd(12)} ${line}${row < lines.length - 1 ? ',' : ''}`);
  });
}
