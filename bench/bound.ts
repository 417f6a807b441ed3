import { dualBound } from '../src/planning/bound/linear-program.ts';
import { binMsOf, boundsOf, roundedDown } from '../src/planning/bound/bounds.ts';
import { slackProgram } from '../src/planning/bound/slack-program.ts';
import { openHighs } from '../src/solver/highs.ts';
import { cases, jobsIn, referenceForm } from '../test/support/reference-bounds.ts';
import type { Bench, Figure } from './lib/report.ts';

export const boundBench: Bench = {
  name: 'bound',
  what: 'lower bounds of the recorded traces, and how long they take',
  async run({ say }) {
    const solve = await openHighs();
    return cases.map((one): Figure => {
      const jobs = jobsIn(one.trace);
      const { program } = slackProgram(referenceForm(one, jobs));
      const same = roundedDown(dualBound(program, solve(program).rowDuals));
      const { startMs, slo } = referenceForm(one, jobs);
      const startedAt = performance.now();
      const { lower, feasible } = boundsOf({ jobs, startMs, slo, binMs: binMsOf(jobs, slo.latencyMs) }, solve);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      say(`${one.trace}, starts of ${one.start_up_s} s: ${seconds} s`);
      return {
        what: `${one.trace}, ${jobs.length} jobs, starts of ${one.start_up_s} s: linear programme in the form of the reference`,
        value: `${same} GPU-s; ours: ${lower} to ${feasible} GPU-s in ${seconds} s`,
        reference: `${one.bounds.lp_s} GPU-s (recorded)`,
        target: 'the same',
        holds: same === one.bounds.lp_s,
      };
    });
  },
};
