import { useEffect, useRef, useState } from 'react';
import { call, type Problem } from '../api.ts';
import { changedSettings, type Changed } from '../settings-change.ts';
import type { Deployment } from '../shapes.ts';
import { targetOf } from '../use-deployments.ts';
import { problemFrom } from '../use-plan.ts';

export interface ApplyDialogProps {
  readonly deployment: Deployment;
  readonly change: Readonly<Record<string, unknown>>;
  readonly close: () => void;
  /** It is written. */
  readonly applied: () => void;
}

/** Asks before it writes, and says what goes and what comes. */
export function ApplyDialog({ deployment, change, close, applied }: ApplyDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [writing, setWriting] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const name = targetOf(deployment);
  const write = (): void => {
    if (writing) return;
    setWriting(true);
    setProblem(null);
    call(`/fleet/v1/deployments/${encodeURIComponent(name)}/scaling`, { method: 'PATCH', body: change })
      .then(applied, (error: unknown) => setProblem(problemFrom(error)))
      .finally(() => setWriting(false));
  };
  return (
    <dialog className="help apply" ref={dialog} onClose={close} aria-labelledby="apply-title">
      <h2 id="apply-title">Apply to {name}?</h2>
      <p className="soft">From then on its containers follow these settings. Limits and budget stay as they are.</p>
      <ChangeTable changed={changedSettings(deployment.scaling, change)} />
      {problem && (
        <p role="alert" className="alert">
          <b>{problem.code}</b>: {problem.detail || problem.title}. {problem.next}
        </p>
      )}
      <div className="act">
        <button type="button" className="btn primary" aria-disabled={writing} onClick={write}>
          {writing ? 'Applying' : 'Apply'}
        </button>
        <button type="button" className="btn" onClick={close}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}

/** Settings before and after. */
export function ChangeTable({ changed }: { changed: readonly Changed[] }) {
  return (
    <table className="table change">
      <caption className="sr">Settings that change</caption>
      <thead>
        <tr>
          <th scope="col">setting</th>
          <th scope="col" className="num">
            before
          </th>
          <th scope="col" className="num">
            after
          </th>
        </tr>
      </thead>
      <tbody>
        {changed.map(({ name, before, after }) => (
          <tr key={name}>
            <td>{name}</td>
            <td className="num muted">{before}</td>
            <td className="num">{after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
