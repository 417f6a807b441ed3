/** Is this the URL of a server, one that paths can be put behind? */
export function isServerUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s/]/i.test(text) || !URL.canParse(text)) return false;
  const { search, hash } = new URL(text);
  return search === '' && hash === '';
}

/** The URL that somebody meant who wrote no folder; null: it may be the name of a folder. */
export function meantUrl(text: string): string | null {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme !== undefined) return isServerUrl(`http://${rest}`) && !/^https?$/i.test(scheme) ? `http://${rest}` : 'http://gpu-box:8188';
  return /^[\w.-]+:\d{1,5}(\/.*)?$/.test(text) ? `http://${text}` : null;
}
