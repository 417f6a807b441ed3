import { escape } from './svg.ts';

/** A page that can be kept, mailed and printed: one file, nothing fetched, no script. */
export interface Report {
  readonly title: string;
  /** One sentence: what came out. */
  readonly verdict: string;
  /** What it rests on: what was measured and what is simulated. */
  readonly evidence: string;
  readonly sections: readonly Section[];
  /** How to make it again, and how figures were computed. */
  readonly foot: readonly string[];
}

export interface Section {
  readonly heading: string;
  /** A paragraph each. */
  readonly text?: readonly string[];
  readonly table?: Table;
  /** SVG documents, as wide as they say; those that fit stand side by side. */
  readonly charts?: readonly string[];
}

export interface Table {
  /** Of the columns. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of figures, which are aligned at their ends. */
  readonly figures: readonly number[];
  /** Rows that are meant. */
  readonly chosen?: readonly number[];
}

/** Light and dark as the system has it, light on paper; the values of the dashboard's tokens. */
const styles = `
:root{color-scheme:light dark;--bg:light-dark(#EFF1F4,#090C11);--surface:light-dark(#FFFFFF,#10141B);--line:light-dark(#DCE0E7,#262D39);
--ink:light-dark(#11161D,#E9EDF3);--ink-2:light-dark(#414B5A,#B2BCCA);--ink-3:light-dark(#5A6473,#909BAB);
--good:light-dark(#00569C,#74B9F5);--good-soft:light-dark(#E6F0FA,#10243A)}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.45 Inter,"Segoe UI Variable Text","Segoe UI",-apple-system,BlinkMacSystemFont,Roboto,"Noto Sans","Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:24px 16px}
h1{margin:0 0 12px;font-size:15px;font-weight:600;color:var(--ink-2)}
h2{margin:0 0 8px;font-size:16px}
section,.verdict{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:16px;margin:0 0 12px}
.verdict{background:var(--good-soft);border-color:var(--good)}
.verdict p{margin:0;max-width:76ch;color:var(--ink-2)}
.verdict .sentence{font-size:22px;font-weight:620;line-height:1.25;margin-bottom:6px;color:var(--ink)}
section>p{margin:0 0 8px;max-width:90ch;color:var(--ink-2)}
.charts{display:flex;flex-wrap:wrap;gap:16px 24px}
.charts svg{max-width:100%;height:auto}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;margin:0 0 12px}
th,td{padding:6px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td:not(.figure){min-width:16ch}
th{font-size:12px;font-weight:500;color:var(--ink-3)}
.figure{text-align:right;white-space:nowrap}
tr.chosen{background:var(--good-soft)}
tr.chosen td:first-child{font-weight:600}
footer{color:var(--ink-3);font-size:12px}
footer p{margin:0 0 4px}
@media print{:root{color-scheme:light}body{background:none}section,.verdict{break-inside:avoid}}
`;

export function htmlReport({ title, verdict, evidence, sections, foot }: Report): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${styles}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
<div class="verdict"><p class="sentence">${escape(verdict)}</p><p>${escape(evidence)}</p></div>
${sections.map(sectionOf).join('\n')}
<footer>${foot.map((line) => `<p>${escape(line)}</p>`).join('')}</footer>
</main>
</body>
</html>
`;
}

function sectionOf({ heading, text = [], table, charts = [] }: Section): string {
  const paragraphs = text.map((one) => `<p>${escape(one)}</p>`).join('');
  const drawn = charts.length === 0 ? '' : `<div class="charts">${charts.join('')}</div>`;
  return `<section><h2>${escape(heading)}</h2>${paragraphs}${table ? tableOf(table) : ''}${drawn}</section>`;
}

function tableOf({ head, rows, figures, chosen = [] }: Table): string {
  const kind = (column: number): string => (figures.includes(column) ? ' class="figure"' : '');
  const heads = head.map((name, column) => `<th scope="col"${kind(column)}>${escape(name)}</th>`).join('');
  const lines = rows.map((row, index) => {
    const cells = row.map((cell, column) => `<td${kind(column)}>${escape(cell)}</td>`).join('');
    return `<tr${chosen.includes(index) ? ' class="chosen"' : ''}>${cells}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table><thead><tr>${heads}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`;
}
