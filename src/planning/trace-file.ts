import { ComfleetError } from '../errors.ts';
import type { Trace, TraceJob } from './trace.ts';

/** Traces as files: CSV with a header, or JSON lines with the same names. Times are seconds from the start of the trace. */

const columns = ['arrival_s', 'service_s', 'model', 'user', 'workflow'] as const;
type Column = (typeof columns)[number];
type Row = Partial<Record<Column, unknown>>;

const example = 'arrival_s,service_s';

/** Reads a trace. `name` stands in messages. Error: `invalid_trace`, with the line and what it should be. */
export function parseTrace(text: string, name: string): Trace {
  checkEncoding(text, name);
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const first = lines[0];
  if (first === undefined) throw wrong(name, `is empty; it begins with the line ${example}, then one line for each job`);
  return traceOf(first.trimStart().startsWith('{') ? jsonRows(lines, name) : csvRows(lines, name), name);
}

/** A file that was read as UTF-8 and is none has characters in its beginning that no text has. */
function checkEncoding(text: string, name: string): void {
  const start = text.slice(0, 1_000);
  // The byte order mark of UTF-16 is no UTF-8; without it, each other byte of English text is 0.
  if (/^\uFFFD\uFFFD|^(?:[^\0]\0){2}|^(?:\0[^\0]){2}/.test(start)) throw wrong(name, 'is UTF-16; save it as UTF-8');
  if (/[\0\uFFFD]/.test(start)) throw wrong(name, `is no text in UTF-8; a trace begins with the line ${example}`);
}

/** A trace from objects with the names of the columns, such as lines of JSON that were read already; numbered from 1 in messages. */
export function traceFromRows(rows: readonly object[], name: string): Trace {
  return traceOf(
    rows.map((row, index) => {
      checkColumns(Object.keys(row), (message) => wrong(name, message, index + 1));
      return { line: index + 1, row };
    }),
    name,
  );
}

function traceOf(rows: Iterable<NumberedRow>, name: string): Trace {
  const jobs: TraceJob[] = [];
  let before = 0;
  for (const { line, row } of rows) {
    const job = jobOf(row, (message) => wrong(name, message, line));
    if (job.arrivalMs < before) {
      const at = `arrival_s ${job.arrivalMs / 1000} comes after ${before / 1000} of an earlier line`;
      throw wrong(name, `${at}: sort the lines by arrival_s`, line);
    }
    before = job.arrivalMs;
    jobs.push(job);
  }
  if (jobs.length === 0) throw wrong(name, `has no jobs: after the line ${example} comes one line for each`);
  return { name, jobs };
}

/** The trace as CSV; columns that no job uses are left out. `parseTrace` reads it back to the same. */
export function formatTrace({ jobs }: Trace): string {
  const used = columns.filter((column, index) => index < 2 || jobs.some((job) => textOf(job, column) !== ''));
  return `${used.join(',')}\n${jobs.map((job) => csvLine(job, used)).join('')}`;
}

export type TraceFormat = 'csv' | 'jsonl';

/** What comes before the first job of a trace that is written job by job. */
export const traceHead = (format: TraceFormat): string => (format === 'csv' ? `${columns.join(',')}\n` : '');

/** A job of such a trace. */
export function traceLine(job: TraceJob, format: TraceFormat): string {
  if (format === 'csv') return csvLine(job, columns);
  const { arrivalMs, serviceMs, model, user, workflow } = job;
  return `${JSON.stringify({ arrival_s: arrivalMs / 1000, service_s: serviceMs / 1000, model, user: user ?? '', workflow })}\n`;
}

const csvLine = (job: TraceJob, used: readonly Column[]): string => `${used.map((column) => quoted(textOf(job, column))).join(',')}\n`;

/** As RFC 4180 writes it; a line is a job, so that a name with line breaks loses them. */
const quoted = (cell: string): string =>
  /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""').replaceAll(/[\r\n]+/g, ' ')}"` : cell;

/** The cells of a line, without spaces around those that stand in no quotes; as RFC 4180 has them, but that a line is a whole row. */
function cellsOf(line: string, fail: (message: string) => ComfleetError): string[] {
  if (!line.includes('"')) return line.split(',').map((cell) => cell.trim());
  if (line.split('"').length % 2 === 0) throw fail('has a quote that does not end on the line');
  const cells = line.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g);
  return [...cells].map(([, inQuotes, plain = '']) => inQuotes?.replaceAll('""', '"') ?? plain.trim());
}

function textOf(job: TraceJob, column: Column): string {
  switch (column) {
    case 'arrival_s':
      return String(job.arrivalMs / 1000);
    case 'service_s':
      return String(job.serviceMs / 1000);
    case 'user':
      return job.user ?? '';
    default:
      return job[column];
  }
}

interface NumberedRow {
  readonly line: number;
  readonly row: Row;
}

function* csvRows(lines: readonly string[], name: string): Generator<NumberedRow> {
  const head = lines[0] as string;
  const separator = head.includes(',') ? undefined : [';', '\t', '|'].find((one) => head.includes(one));
  if (separator !== undefined)
    throw wrong(name, `is separated by ${separator === '\t' ? 'tabs' : `"${separator}"`}; write it with commas`, 1);
  const header = cellsOf(head, (message) => wrong(name, message, 1));
  checkColumns(header, (message) => wrong(name, message, 1));
  for (let index = 1; index < lines.length; index++) {
    const text = lines[index] as string;
    if (text.trim() === '') continue;
    const cells = cellsOf(text, (message) => wrong(name, message, index + 1));
    if (cells.length !== header.length) {
      throw wrong(name, `has ${cells.length} values where the header names ${header.length} (${header.join(',')})`, index + 1);
    }
    yield { line: index + 1, row: Object.fromEntries(header.map((column, place) => [column, cells[place]])) };
  }
}

function* jsonRows(lines: readonly string[], name: string): Generator<NumberedRow> {
  for (let index = 0; index < lines.length; index++) {
    const text = lines[index] as string;
    if (text.trim() === '') continue;
    const fail = (message: string): ComfleetError => wrong(name, message, index + 1);
    const row = parseLine(text, fail);
    checkColumns(Object.keys(row), fail);
    yield { line: index + 1, row };
  }
}

function parseLine(text: string, fail: (message: string) => ComfleetError): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail(`is no JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw fail('is no JSON object; write e.g. {"arrival_s": 0.5, "service_s": 3.5}');
}

function checkColumns(given: readonly string[], fail: (message: string) => ComfleetError): void {
  const unknown = given.find((column) => !(columns as readonly string[]).includes(column));
  if (unknown !== undefined) throw fail(`has an unknown column ${shown(unknown)}; known are ${columns.join(', ')}`);
  const missing = columns.slice(0, 2).find((column) => !given.includes(column));
  if (missing !== undefined) throw fail(`lacks the column ${missing}; it begins with the line ${example}`);
  const twice = given.find((column, index) => given.indexOf(column) !== index);
  if (twice !== undefined) throw fail(`names the column ${twice} twice`);
}

/** Far beyond any trace (ten years) and any job (a week); whole milliseconds stay exact, and simulating them ends. */
const mostSeconds = { arrival_s: 3_650 * 86_400, service_s: 7 * 86_400 };

/** As JSON and spreadsheets write them; not `0x10`, which JavaScript would read too. */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A value of others in a message: escaped and short. */
function shown(value: unknown): string {
  const text = typeof value === 'string' && value.length > 40 ? `${value.slice(0, 40)}…` : value;
  const json = JSON.stringify(text) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

function jobOf(row: Row, fail: (message: string) => ComfleetError): TraceJob {
  const milliseconds = (column: 'arrival_s' | 'service_s'): number => {
    const value = row[column];
    const number = typeof value === 'number' || (typeof value === 'string' && decimal.test(value)) ? Number(value) : Number.NaN;
    const most = mostSeconds[column];
    if (number >= 0 && number <= most) return Math.round(number * 1000);
    if (!(number > most)) throw fail(`${column} must be a number of seconds >= 0, got ${shown(value)}`);
    // The likeliest are seconds since 1970.
    const hint = column === 'arrival_s' ? '; times count from the begin of the trace, so take that of the first job from each' : '';
    throw fail(`${column} must be at most ${most} seconds, got ${shown(value)}${hint}`);
  };
  const text = (column: 'model' | 'user' | 'workflow'): string => {
    const value = row[column] ?? '';
    if (typeof value === 'string') return value;
    throw fail(`${column} must be a text, got ${shown(value)}`);
  };
  return {
    arrivalMs: milliseconds('arrival_s'),
    serviceMs: milliseconds('service_s'),
    model: text('model'),
    user: text('user') || null,
    workflow: text('workflow'),
  };
}

const wrong = (name: string, message: string, line?: number): ComfleetError =>
  new ComfleetError('invalid_trace', `${name}${line === undefined ? '' : `:${line}`} ${message}`, line === undefined ? {} : { line });
