import { expect, test } from 'vitest';
import { figuresOf, type Answer } from './experiment-figures.ts';

const course = {
  levels: [
    { fromMs: 0, users: 1, overMs: 0 },
    { fromMs: 100_000, users: 2, overMs: 0 },
  ],
  endMs: 300_000,
  settleMs: 50_000,
};

/** An answer a second, of 2 s; but those that were asked from the jump until `badUntil` took 20 s. */
const answers = (badUntil: number): Answer[] =>
  Array.from({ length: 300 }, (_, n) => ({ user: 'u', askedMs: n * 1000, ms: n >= 100 && n * 1000 < badUntil ? 20_000 : 2_000 }));

const containers = [
  { atMs: 0, starting: 1, busy: 0, idle: 0 },
  { atMs: 200_000, starting: 0, busy: 2, idle: 1 },
  { atMs: 250_000, starting: 0, busy: 4, idle: 2 },
];

test('what comes before a level has settled does not count', () => {
  const figures = figuresOf({ answers: answers(150_000), containers, peakContainers: 6 }, course, 6);
  expect(figures).toMatchObject({ median_s: 2, p95_s: 2, first_answer_s: 2, peak_containers: 6 });
  // 150 to 300 s: 50 s with none busy, 50 s with 2, 50 s with 4; 1, 3 and 6 in all, at $0.1 a minute each.
  expect(figures.held_containers).toBe(2);
  expect(figures.usd_per_min).toBe(0.3333);
});

test.each([
  // The last slow answer, asked at 109 s, comes at 129 s: 10 s later none of the last 10 s is slow.
  [110_000, 39],
  [101_000, 30],
])('recovery, slow until %i: 10 s after the last slow answer', (badUntil, seconds) => {
  expect(figuresOf({ answers: answers(badUntil), containers, peakContainers: 6 }, course, 6).recovery_s).toBe(seconds);
});

test('a worse moment long after the jump is another matter', () => {
  const late = answers(110_000).map((answer) => (answer.askedMs === 250_000 ? { ...answer, ms: 40_000 } : answer));
  expect(figuresOf({ answers: late, containers, peakContainers: 6 }, course, 6).recovery_s).toBe(39);
});

test('a jump that nobody notices takes no time to recover from, one without answers afterwards all of it', () => {
  const of = (list: Answer[]) => figuresOf({ answers: list, containers, peakContainers: 6 }, course, 6).recovery_s;
  expect(of(answers(0))).toBe(0);
  expect(of(answers(0).filter(({ askedMs }) => askedMs < 140_000))).toBe(200);
});
