/** Parts of SVG documents as strings. Everything that comes from outside goes through `escape`. */

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] as string);

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element; attributes that are undefined are left out, numbers have at most two places. */
export function element(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter((entry): entry is [string, string | number] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? places(value) : escape(value)}"`)
    .join('');
  return content.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${content.join('')}</${name}>`;
}

/** Text at a place; `anchor` says which part of it is there. */
export const label = (text: string, x: number, y: number, anchor: 'start' | 'middle' | 'end', kind = 'soft'): string =>
  element('text', { class: kind, x, y, 'text-anchor': anchor === 'start' ? undefined : anchor }, escape(text));

/** A number as short as two places allow. */
export const places = (value: number): string => String(Math.round(value * 100) / 100);

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Path data through points on the drawing. */
export const pathThrough = (points: readonly Point[]): string =>
  points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${places(x)} ${places(y)}`).join('');

/** Columns that a text takes at 12 px, about: there is nothing to measure it with. */
export const widthOf = (text: string): number => text.length * 6.3;
