import { casesOf } from './policies/cases.ts';
import { figuresOf } from './policies/compare.ts';
import { sweep } from './policies/frontier.ts';
import { headlinesOf, partNames, rowsOf, type Part } from './policies/headline.ts';
import { outcomesOf } from './policies/outcome.ts';
import { writeReport, type Measured } from './policies/report.ts';
import { refuseUncommitted, stamp } from './policies/stamp.ts';
import type { Bench, Figure } from './lib/report.ts';

async function measure(part: Part, say: (line: string) => void): Promise<Measured> {
  say(partNames[part]);
  const begun = stamp();
  const figures = (await outcomesOf(casesOf({ held: part === 'held-out' }), say)).map(figuresOf);
  return { part, begun, figures, headlines: headlinesOf(figures), sweep: part === 'in-sample' ? await sweep() : null };
}

const notRun: Figure = {
  what: `policy slo on ${partNames['held-out']}`,
  value: 'not run',
  reference: '',
  target: 'with --full',
  holds: null,
};

export const policiesBench: Bench = {
  name: 'policies',
  what: 'the policy slo against the defaults and the best settings of all others and the lower bound; held-out workloads only with --full',
  async run({ say, full, write }) {
    if (full) refuseUncommitted();
    const measured = [await measure('in-sample', say)];
    // What is held out must not be looked at while the policy is changed.
    if (full) measured.push(await measure('held-out', say));
    if (write) writeReport(measured);
    return [...measured.flatMap(({ part, headlines }) => rowsOf(part, headlines)), ...(full ? [] : [notRun])];
  },
};
