import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { count } from '../format.ts';
import { Glyph } from './glyph.tsx';

/** The way to every page there is, and to the one of `deployment` where that is shown. */
export function Rail({ document, deployment }: { document: OverviewDocument | null; deployment: string | null }) {
  return (
    <nav className="rail" aria-label="Main">
      <a href="/dashboard/" aria-current={deployment === null ? 'page' : undefined} aria-keyshortcuts="1">
        <Glyph id="i-overview" />
        <span>Overview</span>
        <kbd aria-hidden="true">1</kbd>
      </a>
      {deployment !== null && (
        <a href={location.pathname} aria-current="page">
          <Glyph id="i-deployment" />
          <span className="name">{deployment}</span>
        </a>
      )}
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
