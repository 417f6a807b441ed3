import type { LineState } from '../../../src/telemetry/overview/document.ts';
import { Glyph } from './glyph.tsx';

/** A container's state by glyph, colour and word. `word` replaces the state's own. */
export function StateMark({ state, word }: { state: LineState; word?: string }) {
  return (
    <span className={`st st-${state}`}>
      <Glyph id={`g-${state}`} />
      {word ?? state}
    </span>
  );
}
