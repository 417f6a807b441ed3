import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { Help } from './components/help.tsx';
import { Rail } from './components/rail.tsx';
import { Sprite } from './components/sprite.tsx';
import { TopStrip } from './components/top-strip.tsx';
import type { LiveOverview } from './live.ts';
import { DeploymentPage } from './pages/deployment.tsx';
import { Overview } from './pages/overview.tsx';
import { Planner } from './pages/planner.tsx';
import { deploymentOf } from './place.ts';
import { open, usePage, type Page } from './route.ts';
import { themes, useTheme } from './theme.ts';
import { useKeys } from './use-keys.ts';

const keysOnKey = 'comfleet-keys';

const titles: Readonly<Record<Page, string>> = { overview: 'Overview', planner: 'Planner' };

/** By a key: the reader goes on in the page itself. */
function goTo(page: Page): void {
  open(page);
  document.querySelector<HTMLElement>('#main')?.focus();
}

/** The frame around every page. */
export function App({ live }: { live: LiveOverview }) {
  const state = useSyncExternalStore(live.subscribe, live.state);
  const [theme, setTheme] = useTheme();
  const page = usePage();
  const deployment = deploymentOf(location.pathname);
  useEffect(() => void (document.title = `${page === 'deployment' ? deployment : titles[page]} - comfleet`), [page, deployment]);
  const [help, setHelp] = useState(false);
  const [keysOn, setKeysOn] = useState(() => localStorage.getItem(keysOnKey) !== 'off');
  const keys = useMemo(
    () => ({
      p: () => live.togglePause(),
      t: () => setTheme(themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto'),
      '?': () => setHelp(true),
      '1': () => goTo('overview'),
      '5': () => goTo('planner'),
    }),
    [live, theme, setTheme],
  );
  useKeys(keys, keysOn);
  const switchKeys = (on: boolean): void => {
    localStorage.setItem(keysOnKey, on ? 'on' : 'off');
    setKeysOn(on);
  };
  return (
    <>
      <Sprite />
      <a className="skip" href="#main">
        Skip to content
      </a>
      <div className="app">
        <TopStrip
          state={state}
          theme={theme}
          chooseTheme={setTheme}
          togglePause={() => live.togglePause()}
          openHelp={() => setHelp(true)}
          recent={deployment === null}
        />
        <Rail document={state.document} deployment={deployment} />
        <main id="main" tabIndex={-1}>
          {deployment !== null ? (
            <DeploymentPage name={deployment} overview={state.document} />
          ) : page === 'planner' ? (
            <Planner />
          ) : (
            <Overview state={state} retry={() => live.connect()} />
          )}
        </main>
      </div>
      <Help open={help} close={() => setHelp(false)} keysOn={keysOn} setKeysOn={switchKeys} />
    </>
  );
}
