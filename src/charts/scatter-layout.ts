import type { Edge } from './label-places.ts';
import { linear, logarithmic, type Scale } from './scale.ts';
import type { Point } from './svg.ts';

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

/** Of the y axis' unit, above the plot. */
const lineHeight = 14;
