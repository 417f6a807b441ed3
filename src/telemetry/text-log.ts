/** Fields that a line for people shows elsewhere or not at all. */
const hidden = new Set(['ts', 'level', 'msg', 'event', 'component', 'error']);
const colors: Readonly<Record<string, string>> = { debug: '\u001B[2m', info: '', warn: '\u001B[33m', error: '\u001B[31m' };
const reset = '\u001B[0m';

/** What every line has, as far as it is read here. */
interface Line extends Record<string, unknown> {
  readonly ts: string;
  readonly level: string;
  readonly msg?: string;
  readonly component?: string;
  readonly error?: string | { readonly type: string; readonly message: string; readonly stack?: string };
}

/** A line of the JSON log as people read it: time, level unless info, component, message, fields, and below it an error's stack. */
export function formatLine(json: string, color: boolean): string {
  const line = JSON.parse(json) as Line;
  const { ts, level, msg = '', component, error } = line;
  const fields = Object.entries(line)
    .filter(([name]) => !hidden.has(name))
    .map(([name, value]) => ` ${name}=${plain(value)}`);
  const head = `${ts.slice(11, 23)} ${level === 'info' ? '' : `${level} `}${component === undefined ? '' : `${component}: `}`;
  const text = `${head}${printable(msg)}${fields.join('')}${errorText(error)}`;
  const start = color ? (colors[level] ?? '') : '';
  return start === '' ? `${text}\n` : `${start}${text}${reset}\n`;
}

const plain = (value: unknown): string => {
  const text = typeof value === 'string' && !/[\s="]/.test(value) ? value : JSON.stringify(value);
  return printable(text);
};

function errorText(error: Line['error']): string {
  if (error === undefined) return '';
  if (typeof error === 'string') return ` (${printable(error)})`;
  const stack = error.stack === undefined ? '' : `\n${error.stack}`;
  return ` (${printable(`${error.type}: ${error.message}`)})${stack}`;
}

/** Control characters in a message could rewrite the reader's terminal. */
const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
