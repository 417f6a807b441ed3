import { useEffect, useRef, useState } from 'react';
import { call, type Problem } from '../api.ts';
import { changedSettings } from '../settings-change.ts';
import type { Deployment, PlanResult } from '../shapes.ts';
import { targetOf } from '../use-deployments.ts';
import { problemFrom } from '../use-plan.ts';
import { ChangeTable } from './change-table.tsx';
import { LimitHint } from './limit-hint.tsx';
import { ProblemText } from './problem-text.tsx';

export interface ApplyDialogProps {
  readonly choices: readonly Deployment[];
  /** The one that the plan was made for; null: one of the choices is to be chosen. */
  readonly fixed: Deployment | null;
  readonly result: PlanResult;
  readonly change: Readonly<Record<string, unknown>>;
  readonly close: () => void;
  /** It is written. */
  readonly applied: (to: Deployment) => void;
}

/** Asks before it writes, and says what goes and what comes. */
export function ApplyDialog({ choices, fixed, result, change, close, applied }: ApplyDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [chosen, setChosen] = useState('');
  const [writing, setWriting] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const deployment = fixed ?? choices.find((one) => targetOf(one) === chosen) ?? null;
  const write = (to: Deployment): void => {
    setWriting(true);
    setProblem(null);
    call(`/fleet/v1/deployments/${encodeURIComponent(targetOf(to))}/scaling`, { method: 'PATCH', body: change })
      .then(
        () => applied(to),
        (error: unknown) => setProblem(problemFrom(error)),
      )
      .finally(() => setWriting(false));
  };
  return (
    <dialog className="help apply" ref={dialog} onClose={close} aria-labelledby="apply-title">
      <h2 id="apply-title">{fixed ? `Apply to ${targetOf(fixed)}?` : 'Apply to which deployment?'}</h2>
      <p className="soft">From then on its containers follow these settings. Limits and budget stay as they are.</p>
      {!fixed && <Choice choices={choices} source={result.source} chosen={chosen} setChosen={setChosen} />}
      {deployment && <ChangeTable changed={changedSettings(deployment.scaling, change)} />}
      {deployment && !fixed && <LimitHint deployment={deployment} result={result} />}
      {problem && (
        <p role="alert" className="alert">
          {problem.title}. <ProblemText problem={problem} />
        </p>
      )}
      <div className="act">
        <button
          type="button"
          className="btn primary"
          aria-disabled={writing || !deployment}
          onClick={() => deployment && !writing && write(deployment)}
        >
          {writing ? 'Applying' : 'Apply'}
        </button>
        <button type="button" className="btn" onClick={close}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}

interface ChoiceProps {
  readonly choices: readonly Deployment[];
  readonly source: string;
  readonly chosen: string;
  readonly setChosen: (name: string) => void;
}

/** Nothing is chosen beforehand: the plan was made for none of them. */
const Choice = ({ choices, source, chosen, setChosen }: ChoiceProps) => (
  <label className="f">
    <span>This plan was made for {source}, not for a deployment. Its settings go to</span>
    <select value={chosen} onChange={(event) => setChosen(event.target.value)}>
      <option value="">choose a deployment</option>
      {choices.map(targetOf).map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  </label>
);
