import type { ReactNode } from 'react';
import type { Problem } from '../api.ts';
import { unbroken } from '../format.ts';
import type { PlanResult } from '../shapes.ts';
import type { Planning } from '../use-plan.ts';
import { Banner } from './banner.tsx';

export interface PlanVerdictProps {
  readonly planning: Planning;
  /** What can be done about a result. */
  readonly action: ReactNode;
  readonly again: () => void;
  readonly follow: (id: string) => void;
}

/** One sentence: what to do. The server makes it; this only shows it. */
export function PlanVerdict({ planning, action, again, follow }: PlanVerdictProps) {
  if (planning.state === 'none')
    return (
      <Banner kind="plain" sentence="Which settings keep your latency target for the least money?">
        Choose whose jobs, and the target. Every policy is then simulated on them, by the code that scales the live fleet. Nothing changes
        until you apply it.
      </Banner>
    );
  if (planning.state === 'running') return <Running progress={planning.progress} />;
  if (planning.state === 'failed') return <Failed problem={planning.problem} again={again} follow={follow} />;
  const { result } = planning.plan;
  return result ? <Result result={result} action={action} /> : null;
}

function Running({ progress }: { progress: number }) {
  const percent = Math.floor(progress * 100);
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
    </section>
  );
}

function Failed({ problem, again, follow }: { problem: Problem; again: () => void; follow: (id: string) => void }) {
  const { code, title, detail, next, plan } = problem;
  const other = code === 'too_many_requests' && plan !== undefined;
  const action = (
    <>
      {other && (
        <button type="button" className="btn primary" onClick={() => follow(plan)}>
          Show that plan
        </button>
      )}
      <button type="button" className={other ? 'btn' : 'btn primary'} onClick={again}>
        Try again
      </button>
    </>
  );
  return (
    <Banner kind={other ? 'warn' : 'bad'} sentence={other ? 'Another plan is being made.' : `${title}.`} action={action}>
      <b>{code}</b>: {unbroken(detail)}
      {/[.!?]$/.test(detail) ? '' : '.'} {next}
    </Banner>
  );
}

function Result({ result, action }: { result: PlanResult; action: ReactNode }) {
  const [sentence = '', ...more] = result.says;
  return (
    <Banner kind={result.met ? 'good' : 'warn'} sentence={sentence} action={action}>
      {[...more, ...result.notes.slice(0, -1)].map((line) => (
        <span key={line} className="say">
          {unbroken(line)}{' '}
        </span>
      ))}
    </Banner>
  );
}
