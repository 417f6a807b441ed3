import type { Colour } from './frame.ts';
import { element, label, widthOf } from './svg.ts';

/** How the legend shows something: as a line, or as a mark. */
export interface Entry {
  readonly name: string;
  readonly colour: Colour;
  readonly sign: 'line' | 'dashed' | Sign;
}

/** Marks of points, told apart by their form, not by their colour alone. */
export type Sign = 'circle' | 'diamond' | 'square' | 'hollow';

/** Title and legend in the head of a chart: on one row where there is room for both. `height` is what they take. */
export function head(title: string, entries: readonly Entry[], width: number): { height: number; drawing: string } {
  const widths = entries.map(({ name }) => 20 + widthOf(name) + 14);
  const total = widths.reduce((sum, one) => sum + one, 0);
  const beside = widthOf(title) * 1.15 + 16 + total <= width;
  const y = beside ? 16 : 36;
  let x = beside ? width - total : 0;
  const drawn = entries.map((entry, index) => {
    const item = signOf(entry, x, y - 4) + label(entry.name, x + 20, y, 'start');
    x += widths[index] as number;
    return item;
  });
  const bottom = beside || entries.length === 0 ? 28 : 48;
  return { height: bottom, drawing: label(title, 0, 16, 'start', 'strong') + drawn.join('') };
}

function signOf({ sign, colour }: Entry, x: number, y: number): string {
  if (sign !== 'line' && sign !== 'dashed') return mark(sign, colour, x + 7, y);
  return element('line', { class: `line s-${colour}${sign === 'dashed' ? ' dashed' : ''}`, x1: x, x2: x + 14, y1: y, y2: y });
}

/** A point's mark with its middle at a place. */
export function mark(sign: Sign, colour: Colour, x: number, y: number): string {
  const path: Readonly<Record<Sign, string>> = {
    circle: 'M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0',
    hollow: 'M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0',
    diamond: 'M0-6L6 0L0 6L-6 0Z',
    square: 'M-5-5H5V5H-5Z',
  };
  const fill = sign === 'hollow' ? 'sheet' : `f-${colour}`;
  return element(
    'g',
    { transform: `translate(${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100})` },
    element('path', { class: `point s-${colour} ${fill}`, d: path[sign] }),
  );
}
