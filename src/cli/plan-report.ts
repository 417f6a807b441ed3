import { htmlReport, type Table } from '../charts/report.ts';
import { scatterChart } from '../charts/scatter-chart.ts';
import { shownOf } from '../planning/plan/choose.ts';
import type { PlanRun } from '../planning/plan/evaluate.ts';
import type { Plan } from '../planning/plan/planner.ts';
import { nameOf } from '../planning/plan/names.ts';
import { pictureOf } from '../planning/plan/picture.ts';

/** As wide as a section of the report. */
const width = 1054;

/** The report of `comfleet plan`: one HTML page. */
export function planReport(plan: Plan): string {
  const { says, notes, runs, source, slo, start_s, price_usd_per_hour: price } = plan;
  const [verdict = '', ...evidence] = says;
  const { omitted } = pictureOf(plan);
  const priced = price === null ? 'no price set' : `$${price} a GPU-hour`;
  return htmlReport({
    title: `comfleet: the plan for ${source}`,
    verdict,
    evidence: [
      ...evidence,
      `Everything here is simulated, by the fleet's own code on virtual time, under ${runs.length} settings; all but slo's chosen in hindsight.`,
    ].join(' '),
    sections: [
      { heading: 'Cost against p95', charts: [planChart(plan)], text: [...notes.slice(0, -1), ...(omitted === null ? [] : [omitted])] },
      { heading: 'Frontier', text: ['Each with a lower p95 than all that cost no more.'], table: frontierTable(plan) },
      { heading: "Others' defaults on the same jobs", table: peersTable(plan) },
    ],
    foot: [...notes.slice(-1), `Target: ${slo.p * 100} % within ${slo.latency_s} s; starts of ${start_s} s; ${priced}.`],
  });
}

const costText = ({ usd_per_hour: usd, gpu_seconds_per_hour: gpuSeconds }: PlanRun): string =>
  usd === null ? gpuSeconds.toFixed(0) : usd.toFixed(2);

/** What each choice costs, and how long its users wait. Without a price costs are GPU-seconds. */
export function planChart(plan: Plan): string {
  const { points, frontier, bound, limit, unitY } = pictureOf(plan);
  return scatterChart({
    title: 'What each dollar buys, simulated',
    description: plan.says.join(' '),
    unitX: 's p95',
    unitY,
    groups: { settings: { colour: 'accent', sign: 'circle' }, "others' defaults": { colour: 'idle', sign: 'diamond' } },
    points: points.map((point) => ({ ...point, group: point.group === 'others' ? "others' defaults" : 'settings' })),
    curves: [
      { name: 'frontier', colour: 'accent', points: frontier },
      ...(bound.length > 0 ? [{ name: 'lower bound', colour: 'ink' as const, dashed: true, points: bound }] : []),
    ],
    ...(limit && { limit }),
    width,
    height: 420,
  });
}

const columns = (plan: Plan): string[] => [plan.price_usd_per_hour === null ? 'GPU-s per hour' : '$ per hour', 'p50 s', 'p95 s', 'in time'];

const cells = (run: PlanRun): string[] => [
  costText(run),
  run.p50_s.toFixed(2),
  run.p95_s.toFixed(2),
  `${(run.attainment * 100).toFixed(1)} %`,
];

const mark = (run: PlanRun, { recommended, nearest }: Plan): string =>
  run === recommended ? ', recommended' : run === nearest ? ', nearest, but misses the target' : '';

function frontierTable(plan: Plan): Table {
  const shown = shownOf(plan.frontier, plan.recommended ?? plan.nearest);
  return {
    head: ['settings', ...columns(plan)],
    rows: shown.map((run) => [`${nameOf(run)}${mark(run, plan)}`, ...cells(run)]),
    figures: [1, 2, 3, 4],
    chosen: shown.flatMap((run, index) => (run === plan.recommended ? [index] : [])),
  };
}

const peersTable = (plan: Plan): Table => ({
  head: ['like', ...columns(plan), 'cost'],
  rows: plan.peers.map((peer) => [
    `${peer.name} (${peer.policy})`,
    ...cells(peer),
    peer.cost_ratio === null ? '' : `${peer.cost_ratio.toFixed(2)} x`,
  ]),
  figures: [1, 2, 3, 4, 5],
});
