import { useEffect, useState } from 'react';
import { ApplyDialog } from '../components/apply-dialog.tsx';
import { Banner } from '../components/banner.tsx';
import { IfApplied } from '../components/if-applied.tsx';
import { PlanChart } from '../components/plan-chart.tsx';
import { PlanForm } from '../components/plan-form.tsx';
import { PlanTable } from '../components/plan-table.tsx';
import { PlanVerdict } from '../components/plan-verdict.tsx';
import { formFor, requestOf, type PlanForm as Form } from '../plan-question.ts';
import type { Deployment, PlanResult } from '../shapes.ts';
import { targetOf, useDeployments } from '../use-deployments.ts';
import { usePlan } from '../use-plan.ts';

/** What the next dollar buys: the cheapest settings that keep a latency target. */
export function Planner() {
  const { deployments, problem, reload } = useDeployments();
  if (problem && !deployments) {
    const again = (
      <button type="button" className="btn primary" onClick={reload}>
        Try again
      </button>
    );
    return (
      <Banner kind="bad" sentence={`${problem.title}.`} action={again}>
        <b>{problem.code}</b>: {problem.detail} {problem.next}
      </Banner>
    );
  }
  if (!deployments) return <Banner kind="plain" sentence="Reading what is deployed" />;
  return <Filled deployments={deployments} reload={reload} />;
}

function Filled({ deployments, reload }: { deployments: readonly Deployment[]; reload: () => void }) {
  const [form, setForm] = useState<Form>(() => formFor(deployments.find((one) => one.default) ?? deployments[0]));
  const [applying, setApplying] = useState(false);
  const [applied, setApplied] = useState<string | null>(null);
  const { planning, ask, follow } = usePlan();
  useEffect(() => {
    const id = new URLSearchParams(location.search).get('plan');
    if (id) follow(id);
  }, [follow]);
  const question = (): void => {
    setApplied(null);
    ask(requestOf(form));
    // On a phone the answer stands a screen above the button.
    document.querySelector('.verdict')?.scrollIntoView({ block: 'nearest' });
  };
  const deployment = deployments.find((one) => targetOf(one) === form.deployment);
  const plan = planning.state === 'done' ? planning.plan : null;
  const [result, change] = [plan?.result ?? null, plan?.change ?? null];
  const apply = deployment && change && (
    <button type="button" className="btn primary" onClick={() => setApplying(true)}>
      Apply to {form.deployment}…
    </button>
  );
  const done = (): void => {
    setApplying(false);
    setApplied(`Applied to ${form.deployment}. Its containers follow from now on.`);
    reload();
  };
  return (
    <>
      <PlanVerdict planning={planning} action={apply} again={question} follow={follow} />
      <p role="status" className={applied === null ? 'sr' : 'done'}>
        {applied ?? (result ? result.says[0] : '')}
      </p>
      <div className="cols c-1-2">
        <section className="sheet" aria-label="Question">
          <header>
            <h2>Question</h2>
          </header>
          <div className="in">
            <PlanForm deployments={deployments} form={form} setForm={setForm} busy={planning.state === 'running'} ask={question} />
          </div>
          {deployment && result && change && <IfApplied deployment={deployment} result={result} change={change} />}
        </section>
        <ChartSheet result={result} />
      </div>
      {result && <PlanTable result={result} />}
      {result && <p className="foot">{result.notes.at(-1)} All figures of this page are simulated.</p>}
      {applying && deployment && change && (
        <ApplyDialog deployment={deployment} change={change} close={() => setApplying(false)} applied={done} />
      )}
    </>
  );
}

function ChartSheet({ result }: { result: PlanResult | null }) {
  return (
    <section className="sheet plan-sheet" aria-label="What each dollar buys">
      <header>
        <h2>What each dollar buys</h2>
        {result && <Legend bound={result.lower_bound_gpu_seconds_per_hour !== null} />}
      </header>
      <div className="in">
        {result ? <PlanChart result={result} /> : <p className="hint blank">Cost against p95, once there is a plan.</p>}
      </div>
    </section>
  );
}

const Legend = ({ bound }: { bound: boolean }) => (
  <span className="right legend">
    <span className="c-frontier">
      <i className="solid" />
      frontier
    </span>
    <span className="c-others">
      <svg viewBox="-7 -7 14 14" aria-hidden="true">
        <path d="M0-6L6 0L0 6L-6 0Z" fill="currentColor" />
      </svg>
      others&apos; defaults
    </span>
    {bound && (
      <span className="c-bound">
        <i className="dashed" />
        lower bound
      </span>
    )}
  </span>
);
