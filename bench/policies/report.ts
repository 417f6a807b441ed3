import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/gateway.ts';
import { seeds } from './cases.ts';
import { frontierChart, ratioCharts, type Chart } from './charts.ts';
import type { CaseFigures } from './compare.ts';
import type { Sweep } from './frontier.ts';
import type { Headline, Part } from './headline.ts';
import { caseTable, headlineTable, peerRatioTable, peerTable, ratioTable, runTable } from './tables.ts';

const page = join(root, 'docs/reference/policies-measured.md');
const images = join(root, 'docs/images');

const headings: Readonly<Record<Part, string>> = {
  'in-sample': '## In-sample: the suite',
  'held-out': '## Held out',
};

const leads: Readonly<Record<Part, string>> = {
  'in-sample': '`slo` was developed on these workloads, so they say how good it can look, not how good it is.',
  'held-out': '`slo` was never adjusted on these workloads; its last change is older than the run.',
};

const notRun = 'Not run yet: `npm run bench -- policies --full --write` runs it.';

/** What a part of the page is made from. */
export interface Measured {
  readonly part: Part;
  /** When and on what, as a sentence. */
  readonly begun: string;
  readonly figures: readonly CaseFigures[];
  readonly headlines: readonly Headline[];
  readonly sweep: Sweep | null;
}

/** Writes the page. A part that was not run stays as it was. */
export function writeReport(measured: readonly Measured[]): void {
  const before = existsSync(page) ? readFileSync(page, 'utf8').split(/^(?=## )/m) : [];
  mkdirSync(images, { recursive: true });
  const sections = (Object.keys(headings) as Part[]).map((part) => {
    const now = measured.find((one) => one.part === part);
    if (now) return sectionOf(now);
    return before.find((section) => section.startsWith(headings[part]))?.trim() ?? `${headings[part]}\n\n${notRun}`;
  });
  const intro = readFileSync(join(root, 'bench/policies/report.md'), 'utf8').trim();
  writeFileSync(page, `${[intro, ...sections].join('\n\n')}\n`);
}

function sectionOf({ part, begun, figures, headlines, sweep }: Measured): string {
  const swept = sweep && figures.find(({ outcome }) => outcome.case.workload === 'diurnal');
  const parts = [
    headings[part],
    leads[part],
    begun,
    headlineTable(headlines),
    ...ratioCharts(part, figures).map(keep),
    `### What ${part === 'held-out' ? 'others cost there' : 'others cost'}`,
    'Cost of `slo` over that of others, geometric means over the seeds with 95 % confidence intervals. In brackets: the other one misses the target; behind the best setting: its share in time.',
    ratioTable(figures),
    ...(sweep && swept ? [keep(frontierChart(swept, sweep))] : []),
    `### What \`slo\` does${part === 'held-out' ? ' there' : ''}`,
    `Means over ${seeds.length} seeds. In time: over the whole run, learning included.`,
    runTable(figures),
    `### Everybody's defaults${part === 'held-out' ? ' there' : ''}`,
    'GPU-seconds (share of the jobs in time; 5-minute windows; p99), means over the seeds:',
    peerTable(figures),
    'Cost of `slo` over theirs; in brackets: they miss the target:',
    peerRatioTable(figures),
    `### The cases${part === 'held-out' ? ' there' : ''}`,
    caseTable(figures),
  ];
  return parts.join('\n\n');
}

/** Stores the chart; the Markdown that shows it. */
function keep({ name, title, svg }: Chart): string {
  writeFileSync(join(images, `${name}.svg`), svg);
  return `![${title}](../images/${name}.svg)`;
}
