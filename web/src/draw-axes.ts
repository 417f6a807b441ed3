import type uPlot from 'uplot';
import type { Colours } from './colours.ts';
import { ticksOf } from './components/time-axis.tsx';

/** A round value a little above `max`, and the steps up to it. */
export function niceScale(max: number): { max: number; step: number } {
  const rough = Math.max(max, 1e-6) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((n) => n * power >= rough) ?? 10) * power;
  return { max: Math.ceil(max / step - 1e-9) * step || step, step };
}

/** Hairlines under the marks. */
export function drawGrid(u: uPlot, colours: Colours): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.lineWidth = Math.round(devicePixelRatio);
  for (const { value, y } of levelsOf(u)) {
    ctx.strokeStyle = value === 0 ? colours.axis : colours.grid;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** Values above their hairlines and over the marks, the unit at the top one; times below. */
export function drawLabels(u: uPlot, colours: Colours, unit: string): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const levels = levelsOf(u);
  const write = (text: string, x: number, y: number): void => {
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
  };
  ctx.save();
  ctx.font = colours.font.replace(/^11px/, `${11 * ratio}px`);
  ctx.fillStyle = colours.text;
  ctx.strokeStyle = colours.surface;
  ctx.lineWidth = 3 * ratio;
  ctx.lineJoin = 'round';
  for (const [index, { text, y, value }] of levels.entries()) {
    if (value > 0) write(index === levels.length - 1 ? `${text} ${unit}` : text, bbox.left, y - 3 * ratio);
  }
  const range = u.scales['x'];
  const ticks = ticksOf({ from: (range?.min ?? 0) * 1000, to: (range?.max ?? 1) * 1000 });
  const every = bbox.width / ratio < 70 * ticks.length ? 2 : 1;
  for (const [index, { t, label }] of ticks.entries()) {
    if (index % every !== 0) continue;
    const x = u.valToPos(t / 1000, 'x', true);
    const share = (x - bbox.left) / bbox.width;
    ctx.textAlign = share < 0.04 ? 'left' : share > 0.96 ? 'right' : 'center';
    write(label, x, bbox.top + bbox.height + 14 * ratio);
  }
  ctx.restore();
}

function levelsOf(u: uPlot): { value: number; text: string; y: number }[] {
  const { max, step } = niceScale(u.scales['y']?.max ?? 1);
  const digits = Math.max(0, ...[step, max].map((value) => (String(Number(value.toPrecision(6))).split('.')[1] ?? '').length));
  return Array.from({ length: Math.round(max / step) + 1 }, (_, index) => {
    const value = index * step;
    return { value, text: value.toFixed(digits), y: Math.round(u.valToPos(value, 'y', true)) + 0.5 };
  });
}
