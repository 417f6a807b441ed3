const hatch = 'rotate(45)';

/** Every glyph and texture of the page, referred to by id. Each state has a shape of its own, so that colour is never the only sign. */
export function Sprite() {
  return (
    <svg className="sprite" aria-hidden="true">
      <defs>
        <symbol id="g-starting" viewBox="0 0 11 11">
          <circle cx="5.5" cy="5.5" r="4.7" fill="none" stroke="currentColor" strokeWidth="1.6" strokeDasharray="2.2 1.5" />
        </symbol>
        <symbol id="g-ready" viewBox="0 0 11 11">
          <circle cx="5.5" cy="5.5" r="4.2" fill="none" stroke="currentColor" strokeWidth="2" />
        </symbol>
        <symbol id="g-busy" viewBox="0 0 11 11">
          <circle cx="5.5" cy="5.5" r="5.2" fill="currentColor" />
        </symbol>
        <symbol id="g-idle" viewBox="0 0 11 11">
          <circle cx="5.5" cy="5.5" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.4" />
          <path d="M3 5.5h5" stroke="currentColor" strokeWidth="1.8" />
        </symbol>
        <symbol id="g-parked" viewBox="0 0 11 11">
          <path d="M2.5 1v9M8.5 1v9" stroke="currentColor" strokeWidth="2.6" />
        </symbol>
        <symbol id="g-draining" viewBox="0 0 11 11">
          <path d="M1 2h9L5.5 10z" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinejoin="round" />
        </symbol>
        <symbol id="g-stopped" viewBox="0 0 11 11">
          <rect x="1.5" y="1.5" width="8" height="8" fill="none" stroke="currentColor" strokeWidth="1.7" />
        </symbol>
        <symbol id="g-failed" viewBox="0 0 11 11">
          <path d="M1.5 1.5l8 8M9.5 1.5l-8 8" stroke="currentColor" strokeWidth="2.4" />
        </symbol>
        <symbol id="g-scale" viewBox="0 0 11 11">
          <path d="M1 5.5h9M6 1.5l4 4l-4 4" fill="none" stroke="currentColor" strokeWidth="1.6" />
        </symbol>
        <symbol id="v-good" viewBox="0 0 26 26">
          <circle cx="13" cy="13" r="12" fill="currentColor" />
          <path d="M7.5 13.4l3.8 3.8l7.4-8" fill="none" stroke="var(--surface)" strokeWidth="2.4" />
        </symbol>
        <symbol id="v-warn" viewBox="0 0 26 26">
          <path d="M13 1.5L25 24H1z" fill="currentColor" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
          <path d="M13 9v7.2M13 18.6v2.4" stroke="var(--surface)" strokeWidth="2.4" />
        </symbol>
        <symbol id="v-bad" viewBox="0 0 26 26">
          <path d="M8 1h10l7 7v10l-7 7H8l-7-7V8z" fill="currentColor" />
          <path d="M8.5 8.5l9 9M17.5 8.5l-9 9" stroke="var(--surface)" strokeWidth="2.4" />
        </symbol>
        <symbol id="v-plain" viewBox="0 0 26 26">
          <circle cx="13" cy="13" r="11" fill="none" stroke="currentColor" strokeWidth="2" strokeDasharray="4 3" />
        </symbol>
        <symbol id="i-overview" viewBox="0 0 18 18">
          <path d="M2 4.5h5M9.5 4.5H16M2 9h9M13.5 9H16M2 13.5h2.5M7 13.5h6" />
        </symbol>
        <symbol id="i-deployment" viewBox="0 0 18 18">
          <path d="M9 2l7 3.6L9 9.2L2 5.6zM2 9l7 3.6L16 9M2 12.4L9 16l7-3.6" />
        </symbol>
        <symbol id="i-planner" viewBox="0 0 18 18">
          <path d="M2.5 2v13.5H16M4.5 4c1 6 4 8.5 11 9" />
          <circle cx="7.5" cy="10" r="1.3" />
        </symbol>
        <symbol id="i-comfyui" viewBox="0 0 18 18">
          <path d="M2 4h5v4H2zM11 10h5v4h-5zM7 6h2.5v6H11" />
        </symbol>
        <pattern id="p-starting" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform={hatch}>
          <rect width="5" height="5" fill="var(--st-starting)" opacity=".28" />
          <rect width="2.6" height="5" fill="var(--st-starting)" />
        </pattern>
        <pattern id="p-draining" width="4" height="4" patternUnits="userSpaceOnUse">
          <rect width="1.5" height="4" fill="var(--st-draining)" />
        </pattern>
      </defs>
    </svg>
  );
}
