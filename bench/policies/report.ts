import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parts, type Part } from '../../src/planning/workloads/workload.ts';
import { root } from '../lib/gateway.ts';
import { seeds } from './cases.ts';
import { frontierChart, ratioCharts, type Chart } from './charts.ts';
import type { CaseFigures } from './compare.ts';
import type { Sweep } from './frontier.ts';
import { partNames, type Headline } from './headline.ts';
import { caseTable, headlineTable, peerRatioTable, peerTable, ratioTable, runTable } from './tables.ts';

const page = join(root, 'docs/reference/policies-measured.md');
const images = join(root, 'docs/images');

const headings: Readonly<Record<Part, string>> = {
  'in-sample': '## In-sample: the suite',
  seen: '## Seen: held out once, looked at since',
  'held-out': '## Held out',
};

const leads: Readonly<Record<Part, string>> = {
  'in-sample': '`slo` was developed on these workloads, so they say how good it can look, not how good it is.',
  seen: '`slo` was changed after its results on these workloads were seen, and other draws of them than the measured ones were looked at, so they prove less than what is held out.',
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

/** Writes the page and its charts. */
export function writeReport(measured: readonly Measured[]): void {
  const { text, charts } = reportOf(measured, existsSync(page) ? readFileSync(page, 'utf8') : '');
  mkdirSync(images, { recursive: true });
  for (const { name, svg } of charts) writeFileSync(join(images, `${name}.svg`), svg);
  writeFileSync(page, text);
}

interface Written {
  readonly text: string;
  readonly charts: readonly Chart[];
}

/** The page. A part that was not run stays as it was in the one before. */
export function reportOf(measured: readonly Measured[], before: string): Written {
  const old = before.split(/^(?=## )/m);
  const sections = parts.map((part): Written => {
    const now = measured.find((one) => one.part === part);
    if (now) return sectionOf(now);
    const text = old.find((section) => section.startsWith(`${headings[part]}\n`))?.trim() ?? `${headings[part]}\n\n${notRun}`;
    return { text, charts: [] };
  });
  const intro = readFileSync(join(root, 'bench/policies/report.md'), 'utf8').trim();
  return {
    text: `${[intro, ...sections.map(({ text }) => text)].join('\n\n')}\n`,
    charts: sections.flatMap(({ charts }) => charts),
  };
}

function sectionOf({ part, begun, figures, headlines, sweep }: Measured): Written {
  const swept = sweep && figures.find(({ outcome }) => outcome.case.workload === 'diurnal');
  const ratios = ratioCharts(part, figures);
  const frontier = sweep && swept ? [frontierChart(swept, sweep)] : [];
  const name = partNames[part];
  const lines = [
    headings[part],
    leads[part],
    begun,
    headlineTable(headlines),
    ...ratios.map(shown),
    `### What others cost on ${name}`,
    'Cost of `slo` over that of others, geometric means over the seeds with 95 % confidence intervals. In brackets: the other one misses the target; behind the best setting: its share in time.',
    ratioTable(figures),
    ...frontier.map(shown),
    `### What \`slo\` does on ${name}`,
    `Means over ${seeds.length} seeds. In time: over the whole run, learning included.`,
    runTable(figures),
    `### Everybody's defaults on ${name}`,
    'GPU-seconds (share of the jobs in time; 5-minute windows; p99), means over the seeds:',
    peerTable(figures),
    'Cost of `slo` over theirs; in brackets: they miss the target:',
    peerRatioTable(figures),
    `### The cases: ${name}`,
    caseTable(figures),
  ];
  return { text: lines.join('\n\n'), charts: [...ratios, ...frontier] };
}

/** The Markdown that shows it. */
const shown = ({ name, title }: Chart): string => `![${title}](../images/${name}.svg)`;
