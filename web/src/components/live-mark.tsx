import { age } from '../format.ts';
import type { LiveState } from '../live.ts';
import { useNow } from '../use-now.ts';

/** Without a word from the server for so long the page does not call itself live. */
const staleMs = 5_000;

/** How old what the page shows is. */
export function LiveMark({ state }: { state: LiveState }) {
  const now = useNow(500);
  const { status, heardAt } = state;
  const since = heardAt === null ? null : Math.max(0, now - heardAt);
  const stale =
    (status === 'disconnected' || since !== null) && status !== 'paused' && (status === 'disconnected' || (since ?? 0) > staleMs);
  const [kind, text] = ((): [string, string] => {
    if (status === 'paused') return ['waiting', since === null ? 'paused' : `paused, from ${age(since)} ago`];
    if (since === null) return status === 'disconnected' ? ['stale', 'no connection'] : ['waiting', 'connecting'];
    return stale ? ['stale', `last event ${age(since)} ago`] : ['', `live, ${age(since)} ago`];
  })();
  return (
    <span className={`live ${kind}`}>
      <i />
      {text}
    </span>
  );
}
