import { htmlReport, type Table } from '../charts/report.ts';
import { scatterChart, type Curve, type ScatterPoint } from '../charts/scatter-chart.ts';
import type { PlanRun } from '../planning/plan/evaluate.ts';
import type { Plan } from '../planning/plan/planner.ts';
import { nameOf } from '../planning/plan/sentences.ts';

/** As wide as a section of the report. */
const width = 1054;

/** The report of `comfleet plan`: one HTML page. */
export function planReport(plan: Plan): string {
  const { says, notes, runs, source, slo, start_s, price_usd_per_hour: price } = plan;
  const [verdict = '', ...evidence] = says;
  const priced = price === null ? 'no price set' : `$${price} a GPU-hour`;
  return htmlReport({
    title: `comfleet: the plan for ${source}`,
    verdict,
    evidence: [
      ...evidence,
      `Everything here is simulated, by the fleet's own code on virtual time, under ${runs.length} settings; all but slo's chosen in hindsight.`,
    ].join(' '),
    sections: [
      { heading: 'Cost against p95', charts: [planChart(plan)], text: notes.slice(0, -1) },
      { heading: 'Frontier', text: ['Each with a lower p95 than all that cost no more.'], table: frontierTable(plan) },
      { heading: "Others' defaults on the same jobs", table: peersTable(plan) },
    ],
    foot: [
      ...notes.slice(-1),
      `Target: ${slo.p * 100} % within ${slo.latency_s} s; starts of ${start_s} s; ${priced}.`,
      'Lower bound: no policy that meets the target costs less on the same jobs.',
    ],
  });
}

const costOf = (run: Pick<PlanRun, 'usd_per_hour' | 'gpu_seconds_per_hour'>): number => run.usd_per_hour ?? run.gpu_seconds_per_hour;

const costText = ({ usd_per_hour: usd, gpu_seconds_per_hour: gpuSeconds }: PlanRun): string =>
  usd === null ? gpuSeconds.toFixed(0) : usd.toFixed(2);

/** What each choice costs, and how long its users wait. Without a price costs are GPU-seconds. */
export function planChart(plan: Plan): string {
  const { recommended, frontier, peers, slo, says } = plan;
  const at = (run: PlanRun): { x: number; y: number } => ({ x: run.p95_s, y: costOf(run) });
  const others = frontier.filter((run) => run !== recommended);
  const points: ScatterPoint[] = [
    ...(recommended ? [{ ...at(recommended), label: `recommended: ${nameOf(recommended)}`, group: 'settings', chosen: true }] : []),
    ...peers.map((peer) => ({ ...at(peer), label: peer.name, group: "others' defaults" })),
    ...others.map((run) => ({ ...at(run), label: '', group: 'settings' })),
  ];
  // The target's share is that of the axis only where it is 95 %.
  const limit = slo.p === 0.95 ? { value: slo.latency_s, label: `target: p95 ${slo.latency_s} s` } : undefined;
  return scatterChart({
    title: 'What each dollar buys, simulated',
    description: says.join(' '),
    unitX: 's p95',
    unitY: recommended?.usd_per_hour === null ? 'GPU-s per hour' : '$ per hour',
    groups: { settings: { colour: 'accent', sign: 'circle' }, "others' defaults": { colour: 'idle', sign: 'diamond' } },
    points,
    curves: [{ name: 'frontier', colour: 'accent', points: frontier.map(at) }, ...boundCurve(plan)],
    ...(limit && { limit }),
    width,
    height: 420,
  });
}

/** It holds for whatever meets the target, so it ends there. */
function boundCurve({ frontier, slo, ...plan }: Plan): Curve[] {
  const bound = plan.lower_bound_usd_per_hour ?? plan.lower_bound_gpu_seconds_per_hour;
  const fastest = frontier.at(-1);
  if (bound === null || !fastest) return [];
  const ends = [Math.min(fastest.p95_s, slo.latency_s), slo.latency_s];
  return [{ name: 'lower bound', colour: 'ink', dashed: true, points: ends.map((x) => ({ x, y: bound })) }];
}

const columns = (plan: Plan): string[] => [plan.price_usd_per_hour === null ? 'GPU-s per hour' : '$ per hour', 'p50 s', 'p95 s', 'in time'];

const cells = (run: PlanRun): string[] => [
  costText(run),
  run.p50_s.toFixed(2),
  run.p95_s.toFixed(2),
  `${(run.attainment * 100).toFixed(1)} %`,
];

const frontierTable = (plan: Plan): Table => ({
  head: ['settings', ...columns(plan)],
  rows: plan.frontier.map((run) => [`${nameOf(run)}${run === plan.recommended ? ', recommended' : ''}`, ...cells(run)]),
  figures: [1, 2, 3, 4],
  chosen: plan.frontier.flatMap((run, index) => (run === plan.recommended ? [index] : [])),
});

const peersTable = (plan: Plan): Table => ({
  head: ['like', ...columns(plan), 'cost'],
  rows: plan.peers.map((peer) => [
    `${peer.name} (${peer.policy})`,
    ...cells(peer),
    peer.cost_ratio === null ? '' : `${peer.cost_ratio.toFixed(2)} x`,
  ]),
  figures: [1, 2, 3, 4, 5],
});
