import { useState } from 'react';
import type { LiveEvent } from '../../../src/telemetry/overview/document.ts';
import { timeOfDay, unbroken } from '../format.ts';
import { Glyph } from './glyph.tsx';

const glyphOf = ({ kind }: LiveEvent): string => {
  if (kind === 'scale' || kind === 'deployment') return 'g-scale';
  return kind === 'job_failed' ? 'g-failed' : `g-${kind}`;
};

/** What happened last, newest first. It stands still while it is pointed at or focused. */
export function LiveEvents({ events }: { events: readonly LiveEvent[] }) {
  const [held, setHeld] = useState<readonly LiveEvent[] | null>(null);
  const shown = held ?? events;
  const hold = (): void => setHeld((now) => now ?? events);
  const release = (): void => setHeld(null);
  return (
    <section className="sheet beside" aria-label="Live events">
      <header>
        <h2>Live events</h2>
        <span className="note right">{held ? 'held while you read' : `last ${events.length}`}</span>
      </header>
      <div
        className="in"
        tabIndex={0}
        role="region"
        aria-label="Live events, scrolls"
        onPointerEnter={hold}
        onPointerLeave={release}
        onFocus={hold}
        onBlur={release}
      >
        {shown.length === 0 && <p className="muted">Nothing has happened yet.</p>}
        <ol className="events">
          {shown.map((event) => (
            <li key={event.id} className={`st-${event.kind}`}>
              <time dateTime={new Date(event.t).toISOString()}>{timeOfDay(event.t)}</time>
              <Glyph id={glyphOf(event)} />
              <span>
                <b>{event.subject}</b> {unbroken(event.sentence)} {event.why !== null && <span className="why">{unbroken(event.why)}</span>}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
