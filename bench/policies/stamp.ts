import { execFileSync } from 'node:child_process';
import { root } from '../lib/gateway.ts';

/** Everything that `slo` decides with, and the order in which queued jobs are served, which it counts on. */
const policyPaths = ['src/fleet/scaling/slo.ts', 'src/fleet/scaling/slo', 'src/fleet/learning', 'src/fleet/dispatch'];

const git = (...words: string[]): string => execFileSync('git', words, { cwd: root, encoding: 'utf8' }).trim();

/** When and on what it is run, as a sentence. */
export function stamp(): string {
  const policy = git('log', '-1', '--format=%h of %cI', '--', ...policyPaths);
  const changed = git('status', '--porcelain', '--', 'src', 'bench') === '' ? '' : ', with changes that are not committed';
  return `Run on ${new Date().toISOString()} at commit ${git('rev-parse', '--short', 'HEAD')}${changed}. The last commit that touches \`slo\`: ${policy}.`;
}

/** What is or was held out is run with the policy as it is committed. */
export function refuseUncommitted(): void {
  if (git('status', '--porcelain', '--', ...policyPaths) !== '')
    throw new Error(`commit ${policyPaths.join(', ')} first: seen and held-out workloads are run on a frozen policy only`);
}
