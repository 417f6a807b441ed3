import { useMemo, useState, useSyncExternalStore } from 'react';
import { Help } from './components/help.tsx';
import { Rail } from './components/rail.tsx';
import { Sprite } from './components/sprite.tsx';
import { TopStrip } from './components/top-strip.tsx';
import type { LiveOverview } from './live.ts';
import { DeploymentPage } from './pages/deployment.tsx';
import { Overview } from './pages/overview.tsx';
import { deploymentOf } from './place.ts';
import { themes, useTheme } from './theme.ts';
import { useKeys } from './use-keys.ts';

const keysOnKey = 'comfleet-keys';

/** The frame around every page. */
export function App({ live }: { live: LiveOverview }) {
  const state = useSyncExternalStore(live.subscribe, live.state);
  const deployment = deploymentOf(location.pathname);
  const [theme, setTheme] = useTheme();
  const [help, setHelp] = useState(false);
  const [keysOn, setKeysOn] = useState(() => localStorage.getItem(keysOnKey) !== 'off');
  const keys = useMemo(
    () => ({
      p: () => live.togglePause(),
      t: () => setTheme(themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto'),
      '?': () => setHelp(true),
      '1': () => (deployment === null ? document.querySelector<HTMLElement>('#main')?.focus() : location.assign('/dashboard/')),
    }),
    [live, theme, setTheme, deployment],
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
          {deployment === null ? (
            <Overview state={state} retry={() => live.connect()} />
          ) : (
            <DeploymentPage name={deployment} overview={state.document} />
          )}
        </main>
      </div>
      <Help open={help} close={() => setHelp(false)} keysOn={keysOn} setKeysOn={switchKeys} />
    </>
  );
}
