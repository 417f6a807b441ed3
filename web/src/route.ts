import { useSyncExternalStore } from 'react';
import { deploymentOf } from './place.ts';

/** Pages by the path below `/dashboard/`; those of deployments are in `place.ts`. */
export type Page = 'overview' | 'planner';

export const pathOf: Readonly<Record<Page, string>> = { overview: '/dashboard/', planner: '/dashboard/planner' };

const listeners = new Set<() => void>();
const tell = (): void => listeners.forEach((listener) => listener());

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  globalThis.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    globalThis.removeEventListener('popstate', listener);
  };
}

function current(): Page | 'deployment' {
  if (deploymentOf(location.pathname) !== null) return 'deployment';
  return location.pathname.replace(/\/$/, '') === pathOf.planner ? 'planner' : 'overview';
}

/** The page that the address names. */
export const usePage = (): Page | 'deployment' => useSyncExternalStore(subscribe, current);

/** Opens a page without loading anything; the browser's way back works. */
export function open(page: Page): void {
  if (page === current()) return;
  history.pushState(null, '', pathOf[page]);
  scrollTo(0, 0);
  tell();
}
