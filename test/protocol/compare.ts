import type { Observed } from './replay.ts';

/** One place where two servers said something else. */
export interface Difference {
  /** `12 GET /view {"filename":"x.png"}` or `socket A`. */
  readonly where: string;
  /** `json.error.details`, or `message 12 executed`. */
  readonly path: string;
  readonly golden: unknown;
  readonly actual: unknown;
}

export function compare(golden: Observed, actual: Observed): Difference[] {
  const requests = golden.http.flatMap(({ request, response }, index) =>
    inside(response, actual.http[index]?.response).map((found) => ({ where: request, ...found })),
  );
  const sockets = Object.keys({ ...golden.sockets, ...actual.sockets }).flatMap((conn) =>
    aligned(golden.sockets[conn] ?? [], actual.sockets[conn] ?? []).map((found) => ({ where: `socket ${conn}`, ...found })),
  );
  return [...requests, ...sockets];
}

type Found = Omit<Difference, 'where'>;

/** The innermost places where two values differ. */
function inside(golden: unknown, actual: unknown, path = ''): Found[] {
  if (JSON.stringify(golden) === JSON.stringify(actual)) return [];
  const both = [golden, actual].every((side) => typeof side === 'object' && side !== null);
  const lists = [golden, actual].filter(Array.isArray).length;
  if (!both || lists === 1 || (Array.isArray(golden) && golden.length !== (actual as unknown[]).length)) return [{ path, golden, actual }];
  const [wanted, given] = [golden, actual] as [Record<string, unknown>, Record<string, unknown>];
  const names = Object.keys({ ...wanted, ...given });
  return names.flatMap((name) => inside(wanted[name], given[name], path === '' ? name : `${path}.${name}`));
}

const nameOf = (message: unknown): string => {
  const { type, frame, steps } = message as { type?: string; frame?: number; steps?: string };
  return type ?? (steps === undefined ? `frame ${frame}` : `steps of ${steps}`);
};

/** Lays two lists of messages beside each other, so that one message too many is one difference. */
function aligned(golden: readonly unknown[], actual: readonly unknown[]): Found[] {
  const [left, right] = [golden, actual].map((side) => side.map((message) => JSON.stringify(message))) as [string[], string[]];
  const table = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  const cell = (i: number, j: number): number => table[i]![j]!;
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      table[i]![j] = left[i] === right[j] ? cell(i + 1, j + 1) + 1 : Math.max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  const found: Found[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      i++;
      j++;
      continue;
    }
    const lost = i < left.length && (j === right.length || cell(i + 1, j) >= cell(i, j + 1));
    const changed = lost && j < right.length && cell(i + 1, j + 1) === cell(i, j) && nameOf(golden[i]) === nameOf(actual[j]);
    const message = `message ${lost ? i : j} ${nameOf(lost ? golden[i] : actual[j])}`;
    if (changed) found.push(...inside(golden[i], actual[j], message));
    else found.push({ path: message, golden: lost ? golden[i] : undefined, actual: lost ? undefined : actual[j] });
    if (lost) i++;
    if (!lost || changed) j++;
  }
  return found;
}

const width = 64;

/** A text in lines of the column's width. */
function lines(value: unknown): string[] {
  const text = value === undefined ? '(nothing)' : (JSON.stringify(value) ?? '');
  return Array.from({ length: Math.max(1, Math.min(8, Math.ceil(text.length / width))) }, (_, at) =>
    text.slice(at * width, (at + 1) * width),
  );
}

/** Differences as a table: what the real server said on the left, the other one on the right. */
export function sideBySide(differences: readonly Difference[], title: string): string {
  const rows = differences.flatMap(({ where, path, golden, actual }) => {
    const [left, right] = [lines(golden), lines(actual)];
    const height = Math.max(left.length, right.length);
    const beside = Array.from({ length: height }, (_, at) => `  ${(left[at] ?? '').padEnd(width)} | ${right[at] ?? ''}`);
    return ['', `${where}: ${path}`, ...beside];
  });
  return [`${differences.length} differences`, `  ${'golden'.padEnd(width)} | ${title}`, ...rows].join('\n');
}
