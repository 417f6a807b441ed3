import { widthOf as estimated, type Point } from './svg.ts';

/** Where the names of a scatter chart's points go: plain numbers, for whatever draws it. */

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

/** A vertical line, and what is written beside it. */
export interface LimitLine {
  readonly x: number;
  readonly label: string;
}

/** Where a label starts, on which baseline. */
export interface LabelPlace extends Point {
  /** A line from the point to its label, where that stands apart; null: it stands beside the point. */
  readonly leader: readonly [Point, Point] | null;
}

export interface LabelPlaces {
  /** One for each point; null: it has no label, or there is no room for it anywhere. */
  readonly labels: readonly (LabelPlace | null)[];
  readonly limit: Point | null;
}

/** What is drawn beside the points. */
export interface Drawn {
  readonly limit?: LimitLine | null;
  /** Through places on the drawing. Labels keep off them where there is another place. */
  readonly curves?: readonly (readonly Point[])[];
  /** Of a label, where letters can be measured; estimated when left out. */
  readonly widthOf?: (label: Pick<Labelled, 'label' | 'chosen'>) => number;
}

/** From the left end of the baseline. */
interface Box extends Point {
  readonly width: number;
}

type Segment = readonly [Point, Point];

const lineHeight = 14;
/** Of the letters above their baseline, and below it. */
const [ascent, descent] = [11, 3];
const betweenTexts = 6;
/** Half of what a mark takes. */
const markHalf = 7;
/** How far apart the places are that are tried away from a point. */
const tryEvery = 7;
/** A line to a label that is longer is worse than a label across a curve. */
const notFar = 130;

/**
 * A label covers neither a point nor the limit's line nor another label. It stands beside its point if possible (right, else left, above or
 * below), else at the nearest free place of the plot, with a line to its point. The chosen point is labelled first, and always.
 */
export function labelPlaces(points: readonly Labelled[], edge: Edge, drawn: Drawn = {}): LabelPlaces {
  const marks = points.map(({ x, y }): Box => ({ x: x - markHalf, y: y + 5, width: 2 * markHalf }));
  const { widthOf = estimatedWidth } = drawn;
  const limit = drawn.limit ? limitPlace(drawn.limit, { marks, edge, width: widthOf(drawn.limit) }) : null;
  const taken: Taken = { edge, points, marks, limit: drawn.limit ?? null, texts: limit ? [limit] : [], leaders: [] };
  const strokes = (drawn.curves ?? []).flatMap((curve) => curve.slice(1).map((end, index): Segment => [curve[index] as Point, end]));
  const labels: (LabelPlace | null)[] = points.map(() => null);
  for (const index of namedOf(points)) {
    const spot = spotOf(points[index] as Labelled, { taken, strokes, widthOf });
    if (!spot) continue;
    taken.texts.push(spot.box);
    if (spot.leader) taken.leaders.push(spot.leader);
    labels[index] = { x: spot.box.x, y: spot.box.y, leader: spot.leader };
  }
  return { labels, limit: limit && { x: limit.x, y: limit.y } };
}

/** What stands on the drawing by now. */
interface Taken {
  readonly edge: Edge;
  readonly points: readonly Point[];
  readonly marks: readonly Box[];
  readonly limit: LimitLine | null;
  readonly texts: Box[];
  readonly leaders: Segment[];
}

interface Found extends Required<Pick<Drawn, 'widthOf'>> {
  readonly taken: Taken;
  readonly strokes: readonly Segment[];
}

interface Spot {
  readonly box: Box;
  readonly leader: Segment | null;
}

/** The first that there is: beside the point, or not far from it, off all curves; across a curve; anywhere. */
function spotOf(point: Labelled, { taken, strokes, widthOf }: Found): Spot | null {
  const width = widthOf(point);
  const near = beside(point, width).map((box): Spot => ({ box, leader: null }));
  const free = near.filter(({ box }) => isFree(box, taken));
  const isOff = ({ box }: Spot): boolean => !strokes.some((stroke) => crosses(stroke, box));
  const offCurves = free.find(isOff);
  if (offCurves) return offCurves;
  const far = away(point, width, taken.edge).filter(({ box }) => isFree(box, taken));
  const clear = far.filter(({ leader }) => isClear(leader, taken));
  return (
    clear.find((spot) => spot.length <= notFar && isOff(spot)) ?? free[0] ?? clear[0] ?? far[0] ?? (point.chosen ? (near[0] as Spot) : null)
  );
}

const isFree = (box: Box, { edge, marks, limit, texts, leaders }: Taken): boolean =>
  inside(box, edge) &&
  !marks.some((mark) => overlap(box, mark)) &&
  !texts.some((text) => overlap(box, text, betweenTexts)) &&
  !(limit && box.x - 3 < limit.x && limit.x < box.x + box.width + 3) &&
  !leaders.some((leader) => crosses(leader, box));

/** Other points on the way would make it theirs; those at the very same place are its own. */
const isClear = (leader: Segment, { points, texts, leaders }: Taken): boolean =>
  !leaders.some((other) => meet(leader, other)) &&
  !texts.some((text) => crosses(leader, text)) &&
  !points.some((point) => apart(point, leader[0]) > markHalf + 1 && crosses(leader, around(point)));

/** The chosen one before all others, those from top to bottom: of two points close together the upper one's name then stands above. */
const namedOf = (points: readonly Labelled[]): number[] =>
  [...points.entries()]
    .filter(([, { label }]) => label !== '')
    .sort(([, a], [, b]) => Number(b.chosen ?? false) - Number(a.chosen ?? false) || a.y - b.y)
    .map(([index]) => index);

/** Beside the line, at its foot if possible, where it covers no point. */
function limitPlace({ x }: LimitLine, { marks, edge, width }: { marks: readonly Box[]; edge: Edge; width: number }): Box {
  const heights = Array.from({ length: Math.max(1, Math.floor((edge.bottom - edge.top) / lineHeight) - 1) }, (_, n) => n * lineHeight);
  const places = heights.flatMap((up) => [x + 6, x - 6 - width].map((left): Box => ({ x: left, y: edge.bottom - 8 - up, width })));
  const fit = places.filter((place) => inside(place, edge));
  return (fit.find((place) => !marks.some((mark) => overlap(place, mark))) ?? fit[0] ?? places[0]) as Box;
}

/** The best first. */
function beside({ x, y, chosen = false }: Labelled, width: number): Box[] {
  const gap = chosen ? 15 : 10;
  return [
    { x: x + gap, y: y + 4, width },
    { x: x - gap - width, y: y + 4, width },
    ...[-gap, gap + 10].flatMap((dy) => [
      { x: x - width / 2, y: y + dy, width },
      { x: x + 4, y: y + dy, width },
      { x: x - 4 - width, y: y + dy, width },
    ]),
  ];
}

/** Strong letters are wider. */
const estimatedWidth = ({ label, chosen }: Pick<Labelled, 'label' | 'chosen'>): number => estimated(label) * (chosen ? 1.12 : 1);

/** Places all over the plot, the nearest first. */
function away(point: Point, width: number, edge: Edge): { box: Box; leader: Segment; length: number }[] {
  const found: { box: Box; leader: Segment; length: number }[] = [];
  for (let x = edge.left + 2; x + width <= edge.right; x += tryEvery) {
    for (let y = edge.top + lineHeight; y <= edge.bottom - descent; y += tryEvery) {
      const box = { x, y, width };
      const end = nearestOf(box, point);
      const length = apart(point, end);
      if (length > 2 * markHalf) found.push({ box, leader: [from(point, end, length), end], length });
    }
  }
  return found.sort((a, b) => a.length - b.length);
}

/** From the edge of the mark, not from its middle. */
const from = (point: Point, end: Point, length: number): Point => ({
  x: point.x + ((end.x - point.x) * markHalf) / length,
  y: point.y + ((end.y - point.y) * markHalf) / length,
});

const nearestOf = ({ x, y, width }: Box, point: Point): Point => ({
  x: Math.min(x + width, Math.max(x, point.x)),
  y: Math.min(y + descent, Math.max(y - ascent, point.y)),
});

const around = ({ x, y }: Point): Box => ({ x: x - 4, y: y + 4, width: 8 });

const inside = ({ x, y, width }: Box, edge: Edge): boolean =>
  x >= edge.left && x + width <= edge.right && y - lineHeight >= edge.top && y <= edge.bottom - 2;

/** Side by side two labels need a gap, or they read as one. */
const overlap = (a: Box, b: Box, gap = 0): boolean =>
  a.x < b.x + b.width + gap && b.x < a.x + a.width + gap && Math.abs(a.y - b.y) < lineHeight;

const apart = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** A line that ends at a box's edge crosses it too. */
function crosses(line: Segment, { x, y, width }: Box): boolean {
  const [left, right, top, bottom] = [x, x + width, y - ascent, y + descent];
  const isIn = (point: Point): boolean => point.x >= left && point.x <= right && point.y >= top && point.y <= bottom;
  const diagonals: Segment[] = [
    [
      { x: left, y: top },
      { x: right, y: bottom },
    ],
    [
      { x: left, y: bottom },
      { x: right, y: top },
    ],
  ];
  return line.some(isIn) || diagonals.some((diagonal) => meet(line, diagonal));
}

/** On which side of a line a point is: the sign of a cross product. */
const side = ([a, b]: Segment, point: Point): number => Math.sign((b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x));

const meet = (a: Segment, b: Segment): boolean => side(a, b[0]) !== side(a, b[1]) && side(b, a[0]) !== side(b, a[1]);
