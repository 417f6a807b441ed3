import { unbroken } from '../format.ts';

/** The form asks for something else than what the page shows. */
export function PlanStale({ madeFor, again }: { madeFor: string; again: () => void }) {
  return (
    <div role="status" className="stale">
      <p>{unbroken(`This plan was made for ${madeFor}. The form has changed since: plan again to see what it asks for now.`)}</p>
      <button type="button" className="btn small" onClick={again}>
        Plan again
      </button>
    </div>
  );
}
