import type { ShadowDocument, ShadowResult } from '../../../src/shadow/document.ts';
import { age, minuteOfDay, seconds, unbroken } from '../format.ts';
import type { Problem } from '../api.ts';
import { useNow } from '../use-now.ts';
import { useShadow } from '../use-shadow.ts';
import { Bone } from './bone.tsx';
import { ShadowFigures } from './shadow-figures.tsx';
import { ShadowRuns } from './shadow-runs.tsx';

/** What other settings would have come to on the deployment's last day: the sentence first, then its proof. */
export function ShadowCard({ name }: { name: string }) {
  const [{ document, problem }, retry] = useShadow(name);
  return (
    <section className="sheet shadow" aria-label="Other settings" aria-busy={document === null && problem === null}>
      <header>
        <h2>What other settings would have come to</h2>
        <span className="tag">simulated</span>
        {document && <When document={document} />}
      </header>
      {problem && <Trouble problem={problem} retry={retry} stale={document !== null && document.result !== null} />}
      {document ? <Told document={document} stale={problem !== null} /> : problem === null && <Waiting />}
    </section>
  );
}

function Told({ document, stale }: { document: ShadowDocument; stale: boolean }) {
  const { result, note, state } = document;
  if (result === null) return <Nothing document={document} />;
  return (
    <div className={stale || state === 'failed' ? 'greyed' : ''}>
      {state === 'failed' && note !== null && (
        <p className="in warn" role="status">
          {capital(note)}. Below is what was true at {minuteOfDay(Date.parse(result.at))}.
        </p>
      )}
      <p className="in lead">{unbroken(result.sentence)}</p>
      <ShadowFigures result={result} />
      <ShadowRuns result={result} />
      <p className="in note">{groundOf(result)}</p>
    </div>
  );
}

function Nothing({ document }: { document: ShadowDocument }) {
  const { state, note, next_at } = document;
  const next = next_at === null ? '' : ` The next replay begins at ${minuteOfDay(Date.parse(next_at))}.`;
  return (
    <p className="in lead" role="status">
      {state === 'off' ? 'No replays' : state === 'failed' ? 'No result' : 'No result yet'}: {note}.{next}
    </p>
  );
}

function Trouble({ problem, retry, stale }: { problem: Problem; retry: () => void; stale: boolean }) {
  return (
    <div className="in trouble" role="alert">
      <p>
        <b>{problem.title}.</b> <code>{problem.code}</code> {problem.detail} {problem.next} {stale && 'Below is what was known before.'}
      </p>
      <button type="button" className="btn small" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

function Waiting() {
  return (
    <div className="in lanes">
      <span className="sr">Reading what other settings would have come to</span>
      <Bone width={80} height={20} />
      <Bone width={60} height={20} />
      <Bone width={90} height={120} />
    </div>
  );
}

/** When it was replayed, and when again. */
function When({ document: { result, next_at } }: { document: ShadowDocument }) {
  const now = useNow(5_000);
  const before = result && `replayed ${age(now - Date.parse(result.at))} ago`;
  const next = next_at && `next at ${minuteOfDay(Date.parse(next_at))}`;
  return <span className="note right">{unbroken([before, next].filter((part) => part !== null).join(', '))}</span>;
}

/** What the simulation took for granted. */
function groundOf({ window, timing, bound_note }: ShadowResult): string {
  const { start_s, outside_s, load_s } = timing;
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  const load = load_s > 0 ? `, ${seconds(load_s)} to load models` : '';
  const bound = bound_note === null ? '' : ` No lower bound: ${bound_note}.`;
  return unbroken(
    `Replayed: ${window.jobs.toLocaleString('en-US')} jobs in the ${age(to - from)} until ${minuteOfDay(to)}, with starts of ${seconds(start_s)}, ${seconds(outside_s)} of each job ` +
      `outside the GPU${load}, as the fleet has learnt them.${bound}`,
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
