import { table, type Row } from './report.ts';

export interface Page {
  readonly intro: string;
  /** What stands there; empty: nothing yet. */
  readonly before: string;
  /** Of all benches, in their order. */
  readonly order: readonly string[];
  /** Those that were run. */
  readonly ran: readonly string[];
  readonly rows: readonly Row[];
  readonly command: string;
  readonly where: string;
}

/** The page of all figures: what was run anew in place of what it said, and what other benches said before. */
export function pageOf({ intro, before, order, ran, rows, command, where }: Page): string {
  const lines = before.split('\n');
  const isOld = (line: string): boolean => order.some((name) => line.startsWith(`| ${name} |`) && !ran.includes(name));
  const [head, rule, ...fresh] = table(rows).split('\n') as [string, string, ...string[]];
  const place = (line: string): number => order.findIndex((name) => line.startsWith(`| ${name} |`));
  const body = [...lines.filter(isOld), ...fresh].toSorted((a, b) => place(a) - place(b));
  const all = ran.length === order.length;
  const made = all ? `Made by \`${command}\` on: ${where}` : `Rows of ${ran.join(', ')}: made by \`${command}\` on: ${where}`;
  const earlier = all ? [] : lines.filter((line) => /^(Made by|Rows of) /.test(line) && !line.startsWith(`Rows of ${ran.join(', ')}:`));
  return `${intro}\n${[...earlier, made].join('\n\n')}\n\n${[head, rule, ...body].join('\n')}\n`;
}
