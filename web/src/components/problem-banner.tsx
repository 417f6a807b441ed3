import { sentence, timeOfDay } from '../format.ts';
import type { LiveState } from '../live.ts';
import { useNow } from '../use-now.ts';
import { Banner } from './banner.tsx';

/** The gateway answered, but with a problem: its code, since when, and what to do. */
export function ProblemBanner({ state, retry }: { state: LiveState; retry: () => void }) {
  const now = useNow(500);
  const { problem } = state;
  if (!problem) return null;
  const wait = Math.max(0, Math.ceil(((state.nextAttemptAt ?? now) - now) / 1000));
  const again = (
    <button type="button" className="btn primary" onClick={retry}>
      Try again
    </button>
  );
  return (
    <Banner kind="bad" sentence={`${problem.title}.`} action={again}>
      <b>{problem.code}</b> since {timeOfDay(state.since)}. {sentence(problem.detail)} {problem.next} Next attempt in {wait}&nbsp;s.
      {state.document && ` Below is what was true at ${timeOfDay(state.document.as_of)}.`}
    </Banner>
  );
}
