import type { LineState } from '../../../src/telemetry/overview/document.ts';

const order: readonly LineState[] = ['busy', 'idle', 'ready', 'starting', 'draining', 'parked', 'failed'];

/** `5 busy, 1 idle`: the states that there are. */
export const stateWords = (states: Readonly<Record<LineState, number>>): string =>
  order
    .filter((state) => states[state] > 0)
    .map((state) => `${states[state]} ${state}`)
    .join(', ') || 'none';

/** Containers by state as shares of one bar. */
export function StateBar({ states }: { states: Readonly<Record<LineState, number>> }) {
  return (
    <div className="bar-track" role="img" aria-label={stateWords(states)}>
      {order
        .filter((state) => states[state] > 0)
        .map((state) => (
          <i key={state} className={`st-${state}`} style={{ flexGrow: states[state], flexBasis: 0 }} />
        ))}
    </div>
  );
}
