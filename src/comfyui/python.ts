/** What ComfyUI's answers owe to Python: how it writes values, and how it converts them. */

export class PythonError extends Error {
  /** Full class name, such as `ValueError` or `PIL.UnidentifiedImageError`. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.name = 'PythonError';
    this.type = type;
  }
}

const quote = (text: string): string =>
  text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", String.raw`\'`)}'`;

/** `repr(value)` */
export function repr(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${quote(key)}: ${repr(item)}`)
      .join(', ')}}`;
  }
  return str(value);
}

/** `str(value)` */
export function str(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'number') return repr(value);
  return Number.isFinite(value) ? String(value) : floatText(value);
}

/** `str` of a number that Python holds as a float: 1 is `1.0`. */
export function floatText(value: number | bigint): string {
  const number = Number(value);
  if (!Number.isFinite(number)) return Number.isNaN(number) ? 'nan' : number < 0 ? '-inf' : 'inf';
  return Number.isInteger(number) ? `${number}.0` : String(number);
}

/** `str` of a number that Python holds as an int where it is whole: never with an exponent. */
export const intText = (value: number | bigint): string => (Number.isInteger(value) ? BigInt(value) : value).toString();

/** `type(value).__name__` */
export const typeName = (value: unknown): string => {
  if (value === null || value === undefined) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return typeof value === 'object' ? 'dict' : 'str';
};

/** Python takes no more digits of a text. */
const mostDigits = 4300;

function toInt(value: unknown): number | string {
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return Math.trunc(value);
    throw new PythonError('OverflowError', 'cannot convert float infinity to integer');
  }
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') {
    const message = `int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`;
    throw new PythonError('TypeError', message);
  }
  if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(value)) throw new PythonError('ValueError', `invalid literal for int() with base 10: ${repr(value)}`);
  const digits = value.trim().replaceAll('_', '');
  const count = digits.replace(/^[+-]/, '').length;
  if (count > mostDigits) {
    const limit = `Exceeds the limit (${mostDigits} digits) for integer string conversion`;
    throw new PythonError('ValueError', `${limit}: value has ${count} digits; use sys.set_int_max_str_digits() to increase the limit`);
  }
  const number = Number(digits);
  // Digits that JavaScript would lose, such as those of large seeds, stay: a container reads them as they are.
  return Number.isSafeInteger(number) ? number : BigInt(digits).toString();
}

function toFloat(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') {
    throw new PythonError('TypeError', `float() argument must be a string or a real number, not '${typeName(value)}'`);
  }
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) {
    throw new PythonError('ValueError', `could not convert string to float: ${repr(value)}`);
  }
  return Number(value);
}

function toBool(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value);
  return Object.keys(value).length > 0;
}

/** Conversions of constants by input type; other types are taken as they are. */
export const conversions: Readonly<Record<string, (value: unknown) => unknown>> = {
  INT: toInt,
  FLOAT: toFloat,
  STRING: str,
  BOOLEAN: toBool,
};

/** `json.dumps(value)`: with spaces, and everything beyond ASCII escaped. */
export function jsonDumps(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonDumps).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${jsonDumps(key)}: ${jsonDumps(item)}`)
      .join(', ')}}`;
  }
  const text = JSON.stringify(value) ?? 'null';
  return text.replaceAll(/[\u0080-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
