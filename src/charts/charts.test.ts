import * as fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { barChart } from './bar-chart.ts';
import { lineChart, type LineChart } from './line-chart.ts';
import { scatterChart } from './scatter-chart.ts';

const named = { title: 'Users <& more>', description: 'From 10 to 100 "users".' };

const line: LineChart = {
  ...named,
  unit: 's',
  seconds: 600,
  series: [
    {
      name: 'p95',
      colour: 'accent',
      points: [
        { x: 0, y: 0 },
        { x: 300, y: 10 },
        { x: 600, y: 5 },
      ],
    },
    {
      name: 'all',
      colour: 'idle',
      steps: true,
      filled: true,
      dashed: true,
      points: [
        { x: 0, y: 5 },
        { x: 300, y: 20 },
      ],
    },
  ],
  limit: { value: 6, label: 'target' },
  marks: [{ at: 120, label: 'to 100 users' }],
};
const scatter = {
  ...named,
  unitX: 's',
  unitY: '$/min',
  groups: { ours: { colour: 'accent', sign: 'circle' }, peers: { colour: 'idle', sign: 'diamond' } },
  points: [
    { x: 5, y: 0.1, label: 'slo', group: 'ours', chosen: true },
    { x: 5, y: 0.1, label: 'keda', group: 'peers' },
    { x: 30, y: 0.02, label: 'option 2', group: 'peers' },
  ],
  curves: [
    {
      name: 'frontier',
      colour: 'accent',
      points: [
        { x: 5, y: 0.1 },
        { x: 30, y: 0.02 },
      ],
    },
  ],
  limit: { value: 6, label: 'SLO' },
} as const;
const bars = {
  ...named,
  unit: 'GPUs',
  groups: ['a', 'b'],
  series: [
    { name: 'ours', colour: 'busy', values: [5, 46] },
    { name: 'theirs', colour: 'other', values: [10, null] },
  ],
} as const;

/** Coordinates of the path of a class. */
const pathOf = (svg: string, kind: string): string => new RegExp(`<path class="${kind}" d="([^"]*)"`).exec(svg)![1]!;

describe.each([
  ['line', lineChart(line)],
  ['scatter', scatterChart(scatter)],
  ['bar', barChart(bars)],
])('the %s chart', (_, svg) => {
  test('is an image with a name and a sentence, for light and dark screens, with nothing fetched', () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" class="chart" role="img"/);
    expect(svg).toContain('<title>Users &lt;&amp; more&gt;</title><desc>From 10 to 100 &quot;users&quot;.</desc>');
    expect(svg).toContain('@media screen and (prefers-color-scheme:dark)');
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/<script|https?:|url\(|NaN|undefined|Infinity/);
  });

  test('is a document that image libraries draw', async () => {
    const { width, height, channels } = (await sharp(Buffer.from(svg)).raw().toBuffer({ resolveWithObject: true })).info;
    expect([width, height >= 220, channels]).toEqual([720, true, 4]);
  });
});

test('a line goes through its points: time to the right, values up', () => {
  // 0 to 20 s over the height, as the highest value is; 0 to 600 s over the width.
  const [x0, y0, x1, y1, x2, y2] = pathOf(lineChart(line), 'line s-accent')
    .match(/[\d.]+/g)!
    .map(Number) as [number, number, number, number, number, number];
  expect([x1 - x0, (x2 - x0) / 2]).toEqual([expect.closeTo(x2 - x1, 1), expect.closeTo(x1 - x0, 1)]);
  expect((y0 - y1) / (y0 - y2)).toBeCloseTo(2, 2);
});

test('steps hold each value until the next, and the area below is closed', () => {
  const svg = lineChart(line);
  const numbers = pathOf(svg, 'line s-idle dashed')
    .match(/[\d.]+/g)!
    .map(Number);
  expect(numbers).toHaveLength(6);
  expect(numbers[1]).toBe(numbers[3]);
  expect(numbers[2]).toBe(numbers[4]);
  expect(pathOf(svg, 'area f-idle')).toMatch(/V[\d.]+H[\d.]+Z$/);
});

test('axes name round values, the unit at the top; time as on a clock', () => {
  const svg = lineChart(line);
  for (const text of ['>20<', '>s<', '>0:00<', '>10:00<', '>to 100 users<', '>target<']) expect(svg).toContain(text);
});

test('points are told apart by their form, the chosen one is ringed, and labels do not lie on each other', () => {
  const svg = scatterChart(scatter);
  expect(svg.match(/class="ring/g)).toHaveLength(1);
  expect(svg).toContain('class="kept"');
  const places = ['slo', 'keda'].map(
    (name) => new RegExp(`x="([\\d.]+)" y="([\\d.]+)"[^>]*>${name}<`).exec(svg)!.slice(1).map(Number) as [number, number],
  );
  const [[ax, ay], [bx, by]] = places as [[number, number], [number, number]];
  expect(Math.abs(ay - by) >= 14 || Math.abs(ax - bx) > 25).toBe(true);
});

test('bars are as high as their values; where there is none, that is said', () => {
  const heights = [...barChart(bars).matchAll(/<rect class="f-[a-z]+"[^>]*height="([\d.]+)"/g)].map(([, height]) => Number(height));
  expect(heights).toHaveLength(3);
  expect(heights[0]! / heights[1]!).toBeCloseTo(0.5, 2);
  expect(heights[2]! / heights[0]!).toBeCloseTo(46 / 5, 1);
  expect(barChart(bars)).toContain('>–<');
});

test('whatever the values are, everything is on the drawing', () => {
  const value = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
      const points = values.map((y, n) => ({ x: (n * 600) / values.length, y }));
      const svg = lineChart({ ...line, series: [{ name: 'one', colour: 'busy', points }] });
      const numbers = pathOf(svg, 'line s-busy')
        .match(/-?[\d.]+/g)!
        .map(Number);
      for (let n = 0; n < numbers.length; n += 2) {
        expect(numbers[n]).toBeGreaterThanOrEqual(0);
        expect(numbers[n]).toBeLessThanOrEqual(720);
        expect(numbers[n + 1]).toBeGreaterThanOrEqual(0);
        expect(numbers[n + 1]).toBeLessThanOrEqual(220);
      }
    }),
    { seed: 5 },
  );
});
