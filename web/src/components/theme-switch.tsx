import type { ReactNode } from 'react';
import { themes, type Theme } from '../theme.ts';

const words: Readonly<Record<Theme, string>> = { auto: 'Theme as the system', light: 'Light theme', dark: 'Dark theme' };

const pictures: Readonly<Record<Theme, ReactNode>> = {
  auto: (
    <>
      <circle cx="7" cy="7" r="5.5" />
      <path className="full" d="M7 1.5a5.5 5.5 0 0 1 0 11z" />
    </>
  ),
  light: (
    <>
      <circle cx="7" cy="7" r="2.6" />
      <path d="M7 .8v1.6M7 11.6v1.6M.8 7h1.6M11.6 7h1.6M2.6 2.6l1.1 1.1M10.3 10.3l1.1 1.1M2.6 11.4l1.1-1.1M10.3 3.7l1.1-1.1" />
    </>
  ),
  dark: <path d="M11.8 8.6A5.2 5.2 0 1 1 5.4 2.2a4.2 4.2 0 0 0 6.4 6.4z" />,
};

export function ThemeSwitch({ theme, choose }: { theme: Theme; choose: (theme: Theme) => void }) {
  return (
    <fieldset className="theme">
      <legend className="sr">Theme</legend>
      {themes.map((one) => (
        <label key={one} title={words[one]}>
          <input type="radio" name="theme" aria-label={words[one]} checked={one === theme} onChange={() => choose(one)} />
          <svg viewBox="0 0 14 14" aria-hidden="true">
            {pictures[one]}
          </svg>
        </label>
      ))}
    </fieldset>
  );
}
