import { casesOf } from './policies/cases.ts';
import { figuresOf } from './policies/compare.ts';
import { sweep } from './policies/frontier.ts';
import { headlinesOf, partNames, rowsOf } from './policies/headline.ts';
import { outcomesOf } from './policies/outcome.ts';
import { writeReport, type Measured } from './policies/report.ts';
import { refuseUncommitted, stamp } from './policies/stamp.ts';
import { parts, type Part } from '../src/planning/workloads/workload.ts';
import type { Bench, Figure } from './lib/report.ts';

async function measure(part: Part, say: (line: string) => void): Promise<Measured> {
  say(partNames[part]);
  const begun = stamp();
  const figures = (await outcomesOf(casesOf(part), say)).map(figuresOf);
  return { part, begun, figures, headlines: headlinesOf(figures), sweep: part === 'in-sample' ? await sweep() : null };
}

const notRun = (part: Part): Figure => ({
  what: `policy slo on ${partNames[part]}`,
  value: 'not run',
  reference: '',
  target: 'with --full',
  holds: null,
});

export const policiesBench: Bench = {
  name: 'policies',
  what: 'the policy slo against the defaults and the best settings of all others and the lower bound; seen and held-out workloads only with --full',
  async run({ say, full, write }) {
    if (full) refuseUncommitted();
    const measured: Measured[] = [];
    // What is or was held out must not be looked at while the policy is changed.
    for (const part of full ? parts : (['in-sample'] as const)) measured.push(await measure(part, say));
    if (write) writeReport(measured);
    return parts.flatMap((part) => {
      const now = measured.find((one) => one.part === part);
      return now ? rowsOf(part, now.headlines) : [notRun(part)];
    });
  },
};
