import type { ReactNode } from 'react';
import { unbroken } from '../format.ts';
import { Glyph } from './glyph.tsx';

export interface BannerProps {
  readonly kind: 'good' | 'warn' | 'bad' | 'plain';
  readonly sentence: string;
  readonly action?: ReactNode;
  readonly children?: ReactNode;
}

/** One sentence that says what is so; its proof stands below. */
export function Banner({ kind, sentence, action, children }: BannerProps) {
  return (
    <section className={`verdict ${kind}`} aria-label="Verdict">
      <Glyph id={`v-${kind}`} />
      <h1>{unbroken(sentence)}</h1>
      {children !== undefined && <p>{children}</p>}
      {action !== undefined && <div className="act">{action}</div>}
    </section>
  );
}
