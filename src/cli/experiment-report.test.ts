import { expect, test } from 'vitest';
import { loadProfile } from '../emulator/profile.ts';
import { experiments, simulateExperiment } from '../planning/experiments.ts';
import { experimentReport } from './experiment-report.ts';
import { rowsOf } from './experiment-words.ts';

const timing = { startMs: 15_500, outsideMs: { before: 450, after: 450 }, serviceMs: () => 3_500, usdPerHour: 1.1 };
const simulated = simulateExperiment(
  experiments.find(({ name }) => name === 'scale-out')!,
  timing,
  1,
);
const { figures } = simulated;
const live = {
  ...simulated,
  figures: { ...figures, median_s: figures.median_s * 1.02, peak_containers: figures.peak_containers / 2, recovery_s: null },
  failures: { 'status 503: full': 2 },
};

test('simulated and live below each other, and by how much they differ', () => {
  const [first, usd] = [`${figures.first_answer_s.toFixed(1)} s`, figures.usd_per_min.toFixed(3)];
  const [one, other, difference] = rowsOf({ simulated, live }, 'scale-out');
  expect(one).toEqual(['scale-out, simulated', '4.40 s', '4.40 s', first, '59.3', '94', usd, '41 s', expect.stringContaining('62 GPUs')]);
  expect(other).toEqual(['scale-out, live', '4.49 s', '4.40 s', first, '59.3', '47', usd, '', 'failed: 2 x status 503: full']);
  expect(difference).toEqual(['difference', '+2.0 %', '+0.0 %', '+0.0 %', '+0.0 %', '-50.0 %', '+0.0 %', '', '']);
});

test('without a live run there is one row', () => {
  expect(rowsOf({ simulated, live: null }, 'scale-out')).toEqual([
    ['scale-out', '4.40 s', ...rowsOf({ simulated, live }, '')[0]!.slice(2)],
  ]);
});

test('a report of a live run draws both, and says which is which', () => {
  const page = experimentReport([{ simulated, live }], { profile: loadProfile('a10g-collage'), timing, seed: 1 });
  expect(page).toContain('Measured on emulated containers in real time, beside the same experiments simulated.');
  expect(page).toContain('<title>Latency, live, every 10 s of answers</title>');
  expect(page).toContain('>p95, simulated<');
  expect(page).toContain('<td>difference</td><td class="figure">+2.0 %</td>');
  expect(page).toContain('comfleet experiment options --live --seed 1');
});
