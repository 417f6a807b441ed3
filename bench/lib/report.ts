/** One line of the bench table: what was measured, beside its reference measured in the same run. */
export interface Figure {
  readonly what: string;
  readonly value: string;
  /** What it is compared with, measured in the same run. */
  readonly reference: string;
  /** The target of the issue or design, in words; empty: none. */
  readonly target: string;
  /** Null: a figure without a target. */
  readonly holds: boolean | null;
}

export interface BenchOptions {
  /** Tells how it goes, a line each. */
  readonly say: (line: string) => void;
  /** Also what takes minutes. */
  readonly full: boolean;
  /** Keep what comes out in docs/. */
  readonly write: boolean;
}

/** A benchmark: one command, one or more figures. */
export interface Bench {
  readonly name: string;
  readonly what: string;
  readonly run: (options: BenchOptions) => Promise<Figure[]>;
}

export type Row = Figure & { readonly bench: string };

/** The figures as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const head = ['bench', 'what', 'measured', 'reference in the same run', 'target', 'holds'];
  const cells = rows.map((row) => [
    row.bench,
    row.what,
    row.value,
    row.reference,
    row.target,
    row.holds === null ? '' : row.holds ? 'yes' : 'NO',
  ]);
  return [head, head.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`).join('\n');
}
