import type { Ratio } from './ratio.ts';

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** 0.52 [0.50, 0.54]. */
export const ratioText = ({ mean, low, high }: Ratio): string => `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
