import { age, timeOfDay, unbroken } from '../format.ts';
import type { LiveState } from '../live.ts';
import { useNow } from '../use-now.ts';
import { Banner } from './banner.tsx';

/** The page is blind; that says nothing about the fleet. */
export function DisconnectedBanner({ state, retry }: { state: LiveState; retry: () => void }) {
  const now = useNow(500);
  const wait = Math.max(0, Math.ceil(((state.nextAttemptAt ?? now) - now) / 1000));
  const again = (
    <button type="button" className="btn primary" onClick={retry}>
      Reconnect now
    </button>
  );
  const never = state.document === null;
  const sentence = never
    ? 'The gateway does not answer.'
    : `This page lost its connection ${age(now - state.since)} ago. The fleet itself may be well.`;
  return (
    <Banner kind="warn" sentence={sentence} action={again}>
      {wait === 0 ? 'Trying again now' : unbroken(`Next attempt in ${wait} s`)} (number {state.attempt}). It reads the whole picture again,
      so nothing will be missing. {state.document && `What you see is from ${timeOfDay(state.document.as_of)}. `}Check{' '}
      <code>curl -s {location.host}/livez</code>.
    </Banner>
  );
}
