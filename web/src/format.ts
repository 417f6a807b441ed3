const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

export const timeOfDay = (t: number): string => clock.format(t);
export const minuteOfDay = (t: number): string => minute.format(t);

/** The zone of the times on the page. */
export function zone(now: number): string {
  const hours = -new Date(now).getTimezoneOffset() / 60;
  return `UTC${hours < 0 ? '' : '+'}${hours}`;
}

/** What is no number is told as a dash, never as NaN or Infinity. */
export const fixed = (value: number | null, digits: number): string =>
  value === null || !Number.isFinite(value) ? '-' : value.toFixed(digits);

/** A share as a percentage without its sign. */
export const percent = (share: number | null): string => fixed(share === null ? null : share * 100, 1);

export const seconds = (value: number): string =>
  value >= 120 ? `${(value / 60).toFixed(1)} min` : `${value.toFixed(value >= 20 ? 0 : 1)} s`;

/** 12 s, 3 min, 2 h: how long ago. */
export function age(ms: number): string {
  const s = Math.max(0, ms / 1000);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  return s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

/** As a text of its own: a capital first, a full stop last. Details of problems come as they were thrown, without. */
export const sentence = (text: string): string =>
  text === ''
    ? ''
    : `${/^[a-z]+(?![\w=])/.test(text) ? text.charAt(0).toUpperCase() : text.charAt(0)}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;

/** Numbers stay on the line of their unit: `95 %`, `4.4 s`, `2.0 min`. */
export const unbroken = (text: string): string => text.replaceAll(/(\d) (?=(?:%|ms|s|min|h)(?!\w))/g, '$1\u00A0');

/** Ids are UUIDs; people read their ends, as in the events. */
export const containerName = (id: string): string => `c-${id.slice(-4)}`;
export const jobName = (id: string): string => `j-${id.slice(-6)}`;
