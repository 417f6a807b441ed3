/** What the command line draws with: colours, tables, bars, and the way it writes figures. */

/** The terminal, or whatever stands in for it. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute working folder. */
  readonly cwd: string;
  readonly out: Screen;
  /** Progress and errors; never part of a result. */
  readonly err: Screen;
}

export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export type Paint = (text: string) => string;

export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
}

/** Colours where a person looks on, and nobody asked for none. */
export function palette(screen: Screen, env: Terminal['env']): Palette {
  const on = screen.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const code = (start: number, end: number): Paint => (on ? (text) => `\u001B[${start}m${text}\u001B[${end}m` : (text) => text);
  return { bold: code(1, 22), dim: code(2, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39), blue: code(34, 39) };
}

// oxlint-disable-next-line no-control-regex -- the escape sequences that `palette` writes
const escapes = /\u001B\[\d+m/g;

/** Columns that a text takes on the screen. */
export const widthOf = (text: string): number => Array.from(text.replace(escapes, '')).length;

/** Columns of a screen; a terminal that does not know says 0. */
export const columnsOf = (screen: Screen): number => screen.columns || 80;

/** The text, cut (and then without its colours) where it is wider than `columns`. */
export const fit = (text: string, columns: number): string =>
  widthOf(text) > columns ? Array.from(text.replace(escapes, '')).slice(0, columns).join('') : text;

/** Text of others without control characters: a log line or a name must not be able to drive the terminal. */
export const plain = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  text.replace(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, '');

/** Rows under headings, columns as wide as they must be; empty cells as a dash. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], colours: Palette): string {
  const cells = rows.map((row) => headings.map((_, column) => plainCell(row[column])));
  const widths = headings.map((heading, column) => Math.max(widthOf(heading), ...cells.map((row) => widthOf(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [colours.dim(line(headings)), ...cells.map(line)].map((text) => `${text}\n`).join('');
}

const plainCell = (text: string | undefined): string => (text === undefined || text === '' ? '-' : text.replaceAll(/\s*\n\s*/g, ' '));

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

/** A bar of `width` columns, filled to `share` of 0 to 1. */
export function bar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share || 0)) * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

/** Seconds for people: `0.4 s`, `12 s`, `3 m 20 s`, `2 h 5 m`. */
export function seconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 120) return `${whole} s`;
  if (whole < 7_200) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} m`;
}

/** Money, or that there is no price. */
export const money = (usd: number | null, per = ''): string =>
  usd === null ? 'no price set' : `$${usd.toFixed(usd === 0 ? 0 : usd >= 1 ? 2 : 4)}${per}`;

/** Bytes for people: `830 B`, `12.4 kB`, `3.1 MB`. */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let scaled = value / 1_000;
  let unit = 0;
  for (; scaled >= 1_000 && unit < units.length - 1; unit += 1) scaled /= 1_000;
  return `${scaled.toFixed(1)} ${units[unit]}`;
}

/** `1 job`, `2 jobs`. */
export const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;

/** A line that is drawn again and again on a terminal and nowhere else. */
export class StatusLine {
  readonly #screen: Screen;
  readonly #live: boolean;
  #shown = '';

  constructor(screen: Screen, live: boolean) {
    this.#screen = screen;
    this.#live = live && screen.isTTY === true;
  }

  show(text: string): void {
    if (!this.#live || text === this.#shown) return;
    const width = columnsOf(this.#screen) - 1;
    this.#screen.write(`\r\u001B[2K${fit(text, width)}`);
    this.#shown = text;
  }

  /** Takes the line away, so that others can be written. */
  clear(): void {
    if (this.#live && this.#shown !== '') this.#screen.write('\r\u001B[2K');
    this.#shown = '';
  }
}
