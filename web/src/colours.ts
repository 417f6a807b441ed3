/** The tokens that canvases draw with; CSS resolves light and dark for them. */
const tokens = {
  grid: '--line',
  axis: '--line-strong',
  text: '--ink-3',
  surface: '--surface',
  busy: '--st-busy',
  starting: '--st-starting',
  idle: '--st-idle',
  failed: '--st-failed',
  limit: '--bad',
} as const;

export type Colours = Readonly<Record<keyof typeof tokens, string>> & { readonly font: string };

/** Colours of the tokens as they are on this element now. */
export function coloursOf(element: HTMLElement): Colours {
  const probe = document.createElement('i');
  element.append(probe);
  const resolved = Object.entries(tokens).map(([name, token]) => {
    probe.style.color = `var(${token})`;
    return [name, getComputedStyle(probe).color];
  });
  const font = `11px ${getComputedStyle(probe).fontFamily}`;
  probe.remove();
  return { ...(Object.fromEntries(resolved) as Record<keyof typeof tokens, string>), font };
}
