import { linear, logarithmic, type Scale } from './scale.ts';
import { widthOf, type Point } from './svg.ts';

/** Where things of a scatter chart go: plain numbers, for whatever draws it. */

export interface Labelled extends Point {
  /** Empty: none. */
  readonly label: string;
  /** The one that is meant: ringed, and labelled in strong letters. */
  readonly chosen?: boolean;
}

/** The plot on the drawing. */
export interface Edge {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Room for an axis label, columns. */
const tickRoom = 40;

/** Scales that all points and the limit fit on: x logarithmic, y from 0. */
export function scatterScales(all: readonly Point[], limit: number | undefined, edge: Edge): { readonly x: Scale; readonly y: Scale } {
  const xs = [...all.map(({ x }) => x), ...(limit === undefined ? [] : [limit])];
  return {
    x: logarithmic(Math.min(...xs) * 0.9, Math.max(...xs) * 1.12, [edge.left, edge.right], tickRoom),
    y: linear(Math.max(...all.map(({ y }) => y)) * 1.05, [edge.bottom, edge.top + lineHeight], 6),
  };
}

const lineHeight = 14;

/**
 * Where each point's label starts, on which baseline; null: it has none, or there is no room for it. Points are places on the drawing. A
 * label stands where it covers neither a point nor another label: right of its point if possible, else left, above or below.
 */
export function labelPlaces(points: readonly Labelled[], edge: Edge): (Point | null)[] {
  const taken: Box[] = points.map(({ x, y }) => ({ x: x - 7, y: y + 5, width: 14 }));
  const inside = (box: Box): boolean =>
    box.x >= edge.left && box.x + box.width <= edge.right && box.y - lineHeight >= edge.top && box.y <= edge.bottom - 2;
  return points.map((point) => {
    if (point.label === '') return null;
    const [beside, ...others] = candidates(point);
    const free = [beside, ...others].find((place) => inside(place) && !taken.some((other) => overlap(place, other)));
    const box = free ?? (point.chosen ? beside : null);
    if (!box) return null;
    taken.push(box);
    return { x: box.x, y: box.y };
  });
}

/** The best first. */
function candidates({ x, y, label, chosen = false }: Labelled): [Box, ...Box[]] {
  const width = widthOf(label) * (chosen ? 1.12 : 1);
  const gap = chosen ? 15 : 10;
  return [
    { x: x + gap, y: y + 4, width },
    { x: x - gap - width, y: y + 4, width },
    ...[-gap, gap + 10].flatMap((dy) => [
      { x: x - width / 2, y: y + dy, width },
      { x: x + 4, y: y + dy, width },
      { x: x - 4 - width, y: y + dy, width },
    ]),
    ...[2, 3, 4].flatMap((lines) => [
      { x: x + gap, y: y + 4 - lines * lineHeight, width },
      { x: x + gap, y: y + 4 + lines * lineHeight, width },
    ]),
  ];
}

const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < lineHeight;
