import { expect, test } from 'vitest';
import { pictureOf, type PlanFigures } from './picture.ts';

const run = (policy: string, usd: number | null, p95_s: number) => ({
  policy,
  settings: {},
  usd_per_hour: usd,
  gpu_seconds_per_hour: 1_000,
  p95_s,
});
const plan: PlanFigures = {
  recommended: run('slo', 2, 5),
  nearest: null,
  frontier: [run('fixed', 1, 25), run('slo', 2, 5), run('flash', 3, 4)],
  peers: [{ ...run('keda', 4, 24), name: 'KEDA' }],
  slo: { p: 0.95, latency_s: 6 },
  price_usd_per_hour: 1.1,
  lower_bound_usd_per_hour: 0.5,
  lower_bound_gpu_seconds_per_hour: 500,
};

test('what is recommended stands once, and is chosen; what is far slower than the target is told, not drawn', () => {
  const { points, frontier, omitted, unitY } = pictureOf(plan);
  expect(points.map(({ label, group, chosen }) => [label, group, chosen])).toEqual([
    ['Recommended: slo, $2.00/h, p95 5.0 s', 'frontier', true],
    ['', 'frontier', false],
    ['KEDA', 'others', false],
  ]);
  expect(frontier.map(({ x }) => x)).toEqual([5, 4]);
  expect(omitted).toMatch(/^Not drawn: 1 with a p95 above 4 times the target/);
  expect(unitY).toBe('$ per hour');
});

test('the bound reaches from the fastest to the target, for which alone it holds', () => {
  expect(pictureOf(plan).bound).toEqual([
    { x: 4, y: 0.5 },
    { x: 6, y: 0.5 },
  ]);
  expect(pictureOf({ ...plan, lower_bound_usd_per_hour: null, lower_bound_gpu_seconds_per_hour: null }).bound).toEqual([]);
});

test('another share than 95 % is no line at p95; without a price GPU-seconds are drawn; nothing recommended, nothing chosen', () => {
  const slo = { p: 0.9, latency_s: 6 };
  const { limit, unitY, points } = pictureOf({
    ...plan,
    slo,
    price_usd_per_hour: null,
    recommended: null,
    peers: [run('hpa', null, 5)].map((peer) => ({ ...peer, name: 'HPA' })),
  });
  expect(limit).toBeNull();
  expect(unitY).toBe('GPU-s per hour');
  expect(points.at(-1)).toMatchObject({ y: 1_000, label: 'HPA' });
  expect(points.some(({ chosen }) => chosen)).toBe(false);
});

test('what comes nearest is called that where nothing is recommended', () => {
  const { points } = pictureOf({ ...plan, recommended: null, nearest: run('fixed', 1, 25) });
  expect(points.filter(({ chosen }) => chosen).map(({ label }) => label)).toEqual(['Nearest: fixed, $1.00/h, p95 25.0 s']);
});
