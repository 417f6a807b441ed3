import { useEffect, useMemo, useState } from 'react';
import { ApplyDialog } from '../components/apply-dialog.tsx';
import { Banner } from '../components/banner.tsx';
import { ChartSheet } from '../components/chart-sheet.tsx';
import { IfApplied } from '../components/if-applied.tsx';
import { PlanForm } from '../components/plan-form.tsx';
import { PlanStale } from '../components/plan-stale.tsx';
import { PlanTable } from '../components/plan-table.tsx';
import { PlanVerdict } from '../components/plan-verdict.tsx';
import { ProblemText } from '../components/problem-text.tsx';
import { bestName, deploymentOf, formOf, madeFor, sameForm } from '../plan-made-for.ts';
import { formFor, requestOf, type PlanForm as Form } from '../plan-question.ts';
import type { Deployment, WirePlan } from '../shapes.ts';
import { targetOf, useDeployments } from '../use-deployments.ts';
import { usePlan, type Planning } from '../use-plan.ts';

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
        <ProblemText problem={problem} />
      </Banner>
    );
  }
  if (!deployments) return <Banner kind="plain" sentence="Reading what is deployed" />;
  return <Filled deployments={deployments} reload={reload} />;
}

interface FilledProps {
  readonly deployments: readonly Deployment[];
  readonly reload: () => void;
}

function Filled({ deployments, reload }: FilledProps) {
  const { planning, ask, follow, stop } = usePlan();
  const { form, setForm, asked, setAsked } = useForm(deployments, planning);
  useEffect(() => {
    const id = new URLSearchParams(location.search).get('plan');
    if (id) follow(id);
  }, [follow]);
  const question = (): void => {
    setAsked(form);
    ask(requestOf(form));
    // On a phone the answer stands a screen above the button.
    document.querySelector('.verdict')?.scrollIntoView({ block: 'nearest' });
  };
  const show = (id: string): void => {
    setAsked(null);
    follow(id);
  };
  const plan = planning.state === 'done' ? planning.plan : null;
  const result = plan?.result ?? null;
  const best = plan ? bestName(plan) : '';
  const { action, below, dialog, applied } = useApply(plan, deployments, reload);
  const stale = plan && asked && !sameForm(form, asked);
  return (
    <>
      <PlanVerdict planning={planning} action={action} again={question} follow={show} stop={stop} />
      {stale && result && <PlanStale madeFor={madeFor(plan, result)} again={question} />}
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
          {below}
        </section>
        <ChartSheet result={result} best={best} />
      </div>
      {result && <PlanTable result={result} best={best} />}
      {result && <p className="foot">{result.notes.at(-1)} All figures of this page are simulated.</p>}
      {dialog}
    </>
  );
}

/** The form, and as what it asked for the plan that is shown. A plan that came by its address fills it in, unless somebody has begun to. */
function useForm(deployments: readonly Deployment[], { state, plan }: Planning) {
  const [first] = useState<Form>(() => formFor(deployments.find((one) => one.default) ?? deployments[0]));
  const [form, setForm] = useState(first);
  const [own, setAsked] = useState<Form | null>(null);
  const [made] = useMemo(() => (plan && state !== 'running' ? [formOf(plan, deployments)] : [null]), [plan, state, deployments]);
  useEffect(() => {
    if (made && own === null) setForm((now) => (now === first ? made : now));
  }, [made, own, first]);
  return { form, setForm, asked: own ?? made, setAsked };
}

/** Whatever the form says: a plan is applied to the deployment that it was made for, or to one that is chosen then. */
function useApply(plan: WirePlan | null, deployments: readonly Deployment[], reload: () => void) {
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState<{ plan: WirePlan; words: string } | null>(null);
  const deployment = plan && deploymentOf(plan, deployments);
  const { change = null, result = null } = plan ?? {};
  const applied = done && done.plan === plan ? done.words : null;
  const none = { action: null, below: null, dialog: null, applied };
  if (!plan || !change || !result) return none;
  const choices = plan.deployment === null ? deployments : deployment ? [deployment] : [];
  if (choices.length === 0)
    return plan.deployment === null
      ? none
      : { ...none, below: <p className="applied hint">{plan.deployment} is not deployed any more.</p> };
  const written = (to: Deployment): void => {
    setAsking(false);
    setDone({ plan, words: `Applied to ${targetOf(to)}. Its containers follow from now on.` });
    reload();
  };
  return {
    applied,
    action: (
      <button type="button" className="btn primary" onClick={() => setAsking(true)}>
        {deployment ? `Apply to ${targetOf(deployment)}…` : 'Apply to a deployment…'}
      </button>
    ),
    below: deployment && <IfApplied deployment={deployment} result={result} change={change} />,
    dialog: asking && (
      <ApplyDialog choices={choices} fixed={deployment} result={result} change={change} close={() => setAsking(false)} applied={written} />
    ),
  };
}
