/** Durations as people write them: `500ms`, `60s`, `5m`, `1h30m`, `7d`, or a plain number of seconds. Milliseconds inside. */

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A plain number, or parts with their units, largest first: `1h30m`. Also matches nothing at all. */
export const durationPattern =
  /^(?:\d+(?:\.\d+)?|(?:\d+(?:\.\d+)?d)?(?:\d+(?:\.\d+)?h)?(?:\d+(?:\.\d+)?m(?!s))?(?:\d+(?:\.\d+)?s)?(?:\d+(?:\.\d+)?ms)?)$/;

/** Milliseconds of a duration (a text, or a number of seconds), rounded to whole ones; null when it is none. */
export function parseDuration(value: string | number): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value * 1_000) : null;
  const text = value.trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000);
  if (text === '' || !durationPattern.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * units[unit as keyof typeof units];
  }
  return Math.round(total);
}

/** The shortest usual spelling of whole milliseconds; `parseDuration` gives the same number back. */
export function formatDuration(ms: number): string {
  // The design writes 60s and 90s, not 1m and 1m30s.
  if (ms % 1_000 === 0 && ms < 120_000) return `${ms / 1_000}s`;
  let rest = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / units[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * units[unit];
  }
  return text;
}
