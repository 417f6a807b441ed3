import { zone } from '../format.ts';
import type { LiveState } from '../live.ts';
import type { Theme } from '../theme.ts';
import { LiveMark } from './live-mark.tsx';
import { RuntimeTag } from './runtime-tag.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

export interface TopStripProps {
  readonly state: LiveState;
  readonly theme: Theme;
  readonly chooseTheme: (theme: Theme) => void;
  readonly togglePause: () => void;
  readonly openHelp: () => void;
  /** Does the page show the last ten minutes? */
  readonly recent: boolean;
}

export function TopStrip({ state, theme, chooseTheme, togglePause, openHelp, recent }: TopStripProps) {
  const paused = state.status === 'paused';
  return (
    <header className="mast">
      <a className="brand" href="/dashboard/" aria-label="comfleet, overview">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M2 5h9M2 10h14M2 15h6" stroke="var(--accent)" strokeWidth="3.2" strokeLinecap="round" />
          <circle cx="16.5" cy="5" r="2" fill="var(--st-starting)" />
          <circle cx="13.5" cy="15" r="2" fill="var(--st-parked)" />
        </svg>
        <span>comfleet</span>
      </a>
      <div className="top">
        <LiveMark state={state} />
        {state.document && <RuntimeTag runtime={state.document.runtime} />}
        <span className="right" />
        <span className="muted">
          {recent ? 'last 10 min, ' : ''}
          {zone(Date.now())}
        </span>
        <button type="button" className="btn small" aria-pressed={paused} aria-keyshortcuts="p" onClick={togglePause}>
          {paused ? 'Go on' : 'Pause'}{' '}
          <kbd className="hide-s" aria-hidden="true">
            p
          </kbd>
        </button>
        <button type="button" className="btn small hide-s" aria-keyshortcuts="?" onClick={openHelp}>
          Help <kbd aria-hidden="true">?</kbd>
        </button>
        <ThemeSwitch theme={theme} choose={chooseTheme} />
      </div>
    </header>
  );
}
