import type { ReactNode } from 'react';
import { open, pathOf, usePage, type Page } from '../route.ts';

/** A link to a page of the dashboard; what the browser does with modifiers, it does. */
export function PageLink({ page, shortcut, children }: { page: Page; shortcut: string; children: ReactNode }) {
  const follow = (event: React.MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(page);
  };
  return (
    <a href={pathOf[page]} aria-current={usePage() === page ? 'page' : undefined} aria-keyshortcuts={shortcut} onClick={follow}>
      {children}
      <kbd aria-hidden="true">{shortcut}</kbd>
    </a>
  );
}
