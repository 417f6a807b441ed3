import { element, escape } from './svg.ts';

/** Colours of series, by their place in `palette`. Each is told by its dashes or its label, too. */
export type Colour = 'accent' | 'other' | 'busy' | 'idle' | 'starting' | 'ink';

/** Light and dark, contrast at least 3:1 on the sheet; the values of the dashboard's tokens. */
const palette: Readonly<Record<Colour, readonly [string, string]>> = {
  accent: ['#0A58A6', '#74B9F5'],
  other: ['#A04B93', '#D78BCB'],
  busy: ['#0063B1', '#4AA3E8'],
  idle: ['#7F8998', '#7C889A'],
  starting: ['#B97700', '#F2B134'],
  ink: ['#353F4D', '#D3DAE4'],
};

const family = "Inter,'Segoe UI Variable Text','Segoe UI',-apple-system,BlinkMacSystemFont,Roboto,'Noto Sans','Liberation Sans',sans-serif";

/** Inline, styles count for the whole page: all are below the class of the chart. */
const rule = (selector: string, css: string): string => `.chart ${selector}{${css}}`;

const colours = (theme: 0 | 1): string =>
  [
    rule('.sheet', `fill:${['#FFFFFF', '#10141B'][theme]}`),
    rule('text', `stroke:${['#FFFFFF', '#10141B'][theme]}`),
    rule('.grid', `stroke:${['#DCE0E7', '#262D39'][theme]}`),
    rule('.axis', `stroke:${['#7F8998', '#6B7687'][theme]}`),
    rule('.leader', `stroke:${['#7F8998', '#6B7687'][theme]}`),
    rule('.soft', `fill:${['#5A6473', '#909BAB'][theme]}`),
    rule('.strong', `fill:${['#11161D', '#E9EDF3'][theme]}`),
    rule('.limit', `stroke:${['#A83205', '#FF8A5B'][theme]}`),
    rule('.kept', `fill:${['#E6F0FA', '#10243A'][theme]}`),
    ...Object.entries(palette).map(
      ([name, pair]) => rule(`.s-${name}`, `stroke:${pair[theme]}`) + rule(`.f-${name}`, `fill:${pair[theme]}`),
    ),
  ].join('');

/** The look of all charts: dark where the system is, but never on paper. No variables: image libraries know none. */
const styles = [
  // The halo keeps words readable where they cross a line.
  rule('text', `font:12px ${family};font-variant-numeric:tabular-nums;paint-order:stroke;stroke-width:3px;stroke-linejoin:round`),
  rule('.strong', 'font-weight:600'),
  rule('.line', 'fill:none;stroke-width:2;stroke-linejoin:round'),
  rule('.dashed', 'stroke-dasharray:5 4'),
  rule('.area', 'opacity:.14'),
  rule('.limit', 'stroke-width:1.5;stroke-dasharray:5 4'),
  rule('.leader', 'stroke-width:1'),
  rule('.mark', 'stroke-dasharray:2 3'),
  rule('.ring', 'fill:none;stroke-width:2'),
  rule('.point', 'stroke-width:1.5'),
  colours(0),
  `@media screen and (prefers-color-scheme:dark){${colours(1)}}`,
].join('');

export interface Titled {
  /** What a reader hears first, and what stands above the chart. */
  readonly title: string;
  /** One sentence with what the chart shows, for who cannot see it. */
  readonly description: string;
}

/** A whole chart: an image with a name, whatever its content is. */
export function chartOf({ title, description }: Titled, width: number, height: number, content: readonly string[]): string {
  return element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', class: 'chart', role: 'img', viewBox: `0 0 ${width} ${height}`, width, height },
    element('title', {}, escape(title)),
    element('desc', {}, escape(description)),
    `<style>${styles}</style>`,
    element('rect', { class: 'sheet', width, height }),
    ...content,
  );
}
