import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { count } from '../format.ts';
import { Glyph } from './glyph.tsx';

/** The way to every page there is. */
export function Rail({ document }: { document: OverviewDocument | null }) {
  return (
    <nav className="rail" aria-label="Main">
      <a href="/dashboard/" aria-current="page" aria-keyshortcuts="1">
        <Glyph id="i-overview" />
        <span>Overview</span>
        <kbd aria-hidden="true">1</kbd>
      </a>
      {document?.comfyui_page && (
        <a href={document.comfyui_page} target="_blank" rel="noopener">
          <Glyph id="i-comfyui" />
          <span>ComfyUI</span>
        </a>
      )}
      {document && (
        <div className="foot">
          runtime <b>{document.runtime.name}</b>
          <br />
          {count(document.containers.capacity, 'slot')}
        </div>
      )}
    </nav>
  );
}
