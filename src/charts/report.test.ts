import { expect, test } from 'vitest';
import { htmlReport } from './report.ts';

const page = htmlReport({
  title: 'Options',
  verdict: 'Five GPUs <will> do.',
  evidence: 'Simulated.',
  sections: [
    {
      heading: 'Figures & more',
      text: ['One.', 'Two.'],
      table: { head: ['name', 'p95'], rows: [['<script>alert(1)</script>', '5.1 s']], figures: [1], chosen: [0] },
      charts: ['<svg role="img"></svg>'],
    },
  ],
  foot: ['How.'],
});

test('a report is one page that needs nothing else, and has no script', () => {
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(page).not.toMatch(/<script|<link|<img|src=|href=|@import|url\(/);
  expect(page).toContain('@media print');
  expect(page).toContain('light-dark(');
});

test('what it is made from stands in it, as text', () => {
  for (const part of [
    '<title>Options</title>',
    'Five GPUs &lt;will&gt; do.',
    '<h2>Figures &amp; more</h2><p>One.</p><p>Two.</p>',
    '<th scope="col" class="figure">p95</th>',
    '<tr class="chosen"><td>&lt;script&gt;alert(1)&lt;/script&gt;</td><td class="figure">5.1 s</td></tr>',
    '<svg role="img"></svg>',
    '<footer><p>How.</p></footer>',
  ])
    expect(page).toContain(part);
});
