import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { count } from '../format.ts';
import { Glyph } from './glyph.tsx';
import { PageLink } from './page-link.tsx';

/** The way to every page there is, and to the one of `deployment` where that is shown. */
export function Rail({ document, deployment }: { document: OverviewDocument | null; deployment: string | null }) {
  return (
    <nav className="rail" aria-label="Main">
      <PageLink page="overview" shortcut="1">
        <Glyph id="i-overview" />
        <span>Overview</span>
      </PageLink>
      <PageLink page="planner" shortcut="5">
        <Glyph id="i-planner" />
        <span>Planner</span>
      </PageLink>
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
