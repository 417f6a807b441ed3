import { useState, type ReactNode } from 'react';
import type { Problem } from '../api.ts';
import { unbroken } from '../format.ts';
import type { WirePlan } from '../shapes.ts';
import { problemFrom, type Planning } from '../use-plan.ts';
import { Banner } from './banner.tsx';
import { ProblemText } from './problem-text.tsx';

export interface PlanVerdictProps {
  readonly planning: Planning;
  /** What can be done about a result. */
  readonly action: ReactNode;
  readonly again: () => void;
  readonly follow: (id: string) => void;
  readonly stop: (plan: WirePlan) => Promise<void>;
}

/** One sentence: what to do. The server makes it; this only shows it. */
export function PlanVerdict({ planning, action, again, follow, stop }: PlanVerdictProps) {
  if (planning.state === 'none')
    return (
      <Banner kind="plain" sentence="Which settings keep your latency target for the least money?">
        Choose whose jobs, and the target. Every policy is then simulated on them, by the code that scales the live fleet. Nothing changes
        until you apply it.
      </Banner>
    );
  if (planning.state === 'running') return <Running plan={planning.plan} stop={stop} />;
  if (planning.state === 'failed') return <Failed problem={planning.problem} again={again} follow={follow} />;
  if (planning.state === 'cancelled') return <Stopped again={again} />;
  return <Result plan={planning.plan} action={action} />;
}

function Running({ plan, stop }: { plan: WirePlan | null; stop: PlanVerdictProps['stop'] }) {
  const percent = Math.floor((plan?.progress ?? 0) * 100);
  const [stopping, setStopping] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const giveUp = (of: WirePlan): void => {
    setStopping(true);
    setProblem(null);
    stop(of)
      .catch((error: unknown) => setProblem(problemFrom(error)))
      .finally(() => setStopping(false));
  };
  return (
    <section className="verdict plain planning" aria-busy="true" aria-label="Verdict">
      <svg aria-hidden="true">
        <use href="#v-plain" />
      </svg>
      <h1>Simulating every policy on these jobs</h1>
      <p>
        <progress max={100} value={percent} aria-label="Simulations" />
        <span>{unbroken(`${percent} %`)}</span>
      </p>
      {problem && (
        <p role="alert">
          It was not stopped: <ProblemText problem={problem} />
        </p>
      )}
      {plan && (
        <div className="act">
          <button type="button" className="btn" aria-disabled={stopping} onClick={() => stopping || giveUp(plan)}>
            {stopping ? 'Stopping' : 'Stop'}
          </button>
        </div>
      )}
    </section>
  );
}

const Stopped = ({ again }: Pick<PlanVerdictProps, 'again'>) => (
  <Banner
    kind="plain"
    sentence="Stopped."
    action={
      <button type="button" className="btn primary" onClick={again}>
        Plan again
      </button>
    }
  >
    The simulations were given up before they were done. Nothing has changed.
  </Banner>
);

function Failed({ problem, again, follow }: { problem: Problem; again: () => void; follow: (id: string) => void }) {
  const { code, title, plan } = problem;
  const lost = code === 'unknown_plan';
  const other = code === 'too_many_requests' && plan !== undefined;
  const action = (
    <>
      {other && (
        <button type="button" className="btn primary" onClick={() => follow(plan)}>
          Show that plan
        </button>
      )}
      <button type="button" className={other ? 'btn' : 'btn primary'} onClick={again}>
        {lost ? 'Plan again' : 'Try again'}
      </button>
    </>
  );
  return (
    <Banner kind={other || lost ? 'warn' : 'bad'} sentence={other ? 'Another plan is being made.' : `${title}.`} action={action}>
      <ProblemText problem={lost ? { ...problem, next: onlyLast } : problem} />
    </Banner>
  );
}

/** What to do on this page; the gateway's own words are for programs. */
const onlyLast = 'Only the last plans are kept, and only while the gateway runs.';

/** Good is only what can be applied: where jobs were too few to choose by, nothing is. */
function Result({ plan: { result, change }, action }: { plan: WirePlan; action: ReactNode }) {
  if (!result) return null;
  const [sentence = '', ...more] = result.says;
  return (
    <Banner kind={result.met && change ? 'good' : 'warn'} sentence={sentence} action={action}>
      {[...more, ...result.notes.slice(0, -1)].map((line) => (
        <span key={line} className="say">
          {unbroken(line)}{' '}
        </span>
      ))}
    </Banner>
  );
}
