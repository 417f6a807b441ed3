import { expect, test } from 'vitest';
import { pageOf } from '../bench/lib/page.ts';
import { casesOf, defaults, knative, measured, perInput, titleOf } from '../bench/policies/cases.ts';
import { figuresOf, overall } from '../bench/policies/compare.ts';
import { headlinesOf } from '../bench/policies/headline.ts';
import type { Run } from '../bench/policies/measure.ts';
import type { Outcome } from '../bench/policies/outcome.ts';
import { geometricMean } from '../bench/policies/ratio.ts';
import { reportOf, type Measured } from '../bench/policies/report.ts';
import { keyOf, type Candidate } from '../src/planning/plan/candidates.ts';
import { workloads } from '../src/planning/workloads.ts';
import type { Part } from '../src/planning/workloads/workload.ts';

test('each workload is in the cases of one part: all starts of the suite, one of the others', () => {
  const suite = casesOf('in-sample');
  expect(suite.map(titleOf)).toEqual([
    'steady 20 s',
    'diurnal 20 s',
    'bursty 20 s',
    'bursty 3 s',
    'sparse 20 s',
    'sparse 3 s',
    'diffusion 22 s',
  ]);
  const others = [...casesOf('seen'), ...casesOf('held-out')].map(({ workload }) => workload);
  const notInSuite = Object.keys(workloads).filter((name) => !suite.some(({ workload }) => workload === name));
  expect(others.toSorted()).toEqual(notInSuite.toSorted());
});

test('geometric mean, and Student’s interval of the logarithms', () => {
  // Logarithms -1, 0, 1: mean 0, standard error 1 / sqrt(3); t with two degrees of freedom is 4.303.
  const { mean, low, high } = geometricMean([1 / Math.E, 1, Math.E]);
  expect(mean).toBeCloseTo(1, 12);
  expect(Math.log(high)).toBeCloseTo(4.303 / Math.sqrt(3), 12);
  expect(low * high).toBeCloseTo(1, 12);
  expect(geometricMean([2, 2, 2, 2, 2])).toEqual({
    mean: expect.closeTo(2) as number,
    low: expect.closeTo(2) as number,
    high: expect.closeTo(2) as number,
  });
  expect(geometricMean([3])).toMatchObject({ low: 0, high: Infinity });
});

/** A run that costs so much, with such a share in time. */
const run = (total: number, attainment: number): Run => ({
  jobs: 100,
  latency_s: { p50: 1, p95: 2, p99: 3 },
  attainment,
  attainmentLater: attainment,
  windows_attained: 1,
  gpu_seconds: { start: 0, busy: total, idle: 0, total },
  starts: 1,
  peak_containers: 1,
  model_switches: 0,
  spanSeconds: 100,
});

const six: Candidate = { policy: 'fixed', settings: { min_containers: 6 } };
const seven: Candidate = { policy: 'fixed', settings: { min_containers: 7 } };

function outcome(workload: 'steady' | 'diurnal', slo: readonly Run[]): Outcome {
  const runs: [Candidate, readonly Run[]][] = [
    [measured, slo],
    [perInput, [run(200, 1), run(400, 1)]],
    [knative, [run(50, 0.5), run(50, 0.5)]],
    // On the mean it misses, but not on the second draw, where it is the cheapest.
    [six, [run(60, 0.8), run(120, 0.96)]],
    [seven, [run(110, 0.94), run(130, 0.97)]],
  ];
  return {
    case: { workload, startSeconds: 20 },
    slo: workloads[workload].slo,
    candidates: runs.map(([candidate]) => candidate),
    runs: new Map(runs.map(([candidate, list]) => [keyOf(candidate), list])),
    bounds: 'not asked for',
  };
}

test('costs are compared where both sides attain; the best setting is the cheapest that attains over all draws', () => {
  const figures = figuresOf(outcome('steady', [run(100, 0.95), run(100, 0.95)]));
  expect(figures.attains).toBe(true);
  expect(figures.against['per-input']).toMatchObject({ ratios: [0.5, 0.25], attains: true });
  expect(figures.against.knative?.attains).toBe(false);
  expect(figures.tuned).toEqual(seven);
  expect(figures.against.tuned?.ratios).toEqual([100 / 110, 100 / 130]);
  expect(figures.oracle?.ratios).toEqual([0.5, 100 / 120]);
  expect(figures.against.bound).toBeNull();
});

test('the headline is the mean over the cases in which both attain', () => {
  const good = figuresOf(outcome('steady', [run(100, 0.96), run(100, 0.95)]));
  const late = figuresOf(outcome('diurnal', [run(10, 0.9), run(10, 0.9)]));
  expect(late.attains).toBe(false);
  const { cases, ratio, worst } = overall([good, late], 'per-input');
  expect(cases).toEqual([good]);
  expect(ratio?.mean).toBeCloseTo(Math.sqrt(0.5 * 0.25), 12);
  expect(worst?.title).toBe('steady 20 s');
  // However many cases there are: the interval is that of the seeds.
  expect(
    overall(
      Array.from({ length: 15 }, () => good),
      'per-input',
    ).ratio,
  ).toEqual({
    mean: expect.closeTo(Math.sqrt(0.5 * 0.25)) as number,
    low: expect.closeTo(ratio?.low as number) as number,
    high: expect.closeTo(ratio?.high as number, 0) as number,
  });
  expect(overall([good, late], 'knative')).toEqual({ cases: [], ratio: null, worst: null });
});

/** A part as if it had been run, on one case. */
function made(part: Part, begun: string): Measured {
  const one = outcome('steady', [run(100, 0.96), run(100, 0.95)]);
  const peers = Object.values(defaults).map((candidate): [string, readonly Run[]] => [keyOf(candidate), [run(200, 1), run(400, 1)]]);
  const figures = [figuresOf({ ...one, runs: new Map([...peers, ...one.runs]) })];
  return { part, begun, figures, headlines: headlinesOf(figures), sweep: null };
}

test('the page tells each part apart, and keeps those that were not run', () => {
  const headings = ['## In-sample: the suite', '## Seen: held out once, looked at since', '## Held out'];
  const sectionsOf = (text: string): string[] => text.split(/^(?=## )/m).slice(1);
  const all = reportOf([made('in-sample', 'First.'), made('seen', 'Second.'), made('held-out', 'Third.')], '');
  expect(sectionsOf(all.text).map((section) => section.split('\n')[0])).toEqual(headings);
  expect(sectionsOf(all.text).map((section) => section.split('\n\n')[2])).toEqual(['First.', 'Second.', 'Third.']);
  expect(all.charts.map(({ name }) => name)).toEqual(['policies-in-sample', 'policies-seen', 'policies-held-out']);
  const titles = all.text.split('\n').filter((line) => line.startsWith('#'));
  expect(new Set(titles).size).toBe(titles.length);
  for (const { name } of all.charts) expect(all.text).toContain(`](../images/${name}.svg)`);

  const later = reportOf([made('in-sample', 'Later.')], all.text);
  expect(later.text).toBe(all.text.replace('First.', 'Later.'));
  expect(later.charts.map(({ name }) => name)).toEqual(['policies-in-sample']);
  expect(sectionsOf(reportOf([made('in-sample', 'First.')], '').text).map((section) => section.includes('Not run yet'))).toEqual([
    false,
    true,
    true,
  ]);
});

test('benches that were not run keep their rows on the page', () => {
  const row = (bench: string, value: string) => ({ bench, what: 'w', value, reference: '', target: '', holds: null });
  const order = ['a', 'b'];
  const common = { intro: 'Intro\n', order, where: 'here' };
  const all = pageOf({ ...common, before: '', ran: order, rows: [row('a', '1'), row('b', '2')], command: 'all' });
  const one = pageOf({ ...common, before: all, ran: ['a'], rows: [row('a', '3')], command: 'one' });
  expect(one).toContain('Made by `all` on: here\n\nRows of a: made by `one` on: here\n');
  expect(one.split('\n').slice(-4)).toEqual([
    '| --- | --- | --- | --- | --- | --- |',
    '| a | w | 3 |  |  |  |',
    '| b | w | 2 |  |  |  |',
    '',
  ]);
  expect(pageOf({ ...common, before: one, ran: ['a'], rows: [row('a', '3')], command: 'one' })).toBe(one);
  expect(pageOf({ ...common, before: one, ran: order, rows: [row('a', '1'), row('b', '2')], command: 'all' })).toBe(all);
});
