import { useEffect } from 'react';
import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { markOf } from '../components/deployments-table.tsx';
import { ShadowCard } from '../components/shadow-card.tsx';
import { StateMark } from '../components/state-mark.tsx';
import { targetOf } from '../place.ts';

/** One deployment: what it does now, and what other settings would have come to. `name`: as in the API. */
export function DeploymentPage({ name, overview }: { name: string; overview: OverviewDocument | null }) {
  useEffect(() => {
    document.title = `${name} - comfleet`;
  }, [name]);
  const row = overview?.deployments.find((one) => targetOf(one) === name);
  const mark = row && markOf[row.state];
  return (
    <>
      <div className="pagehead">
        <h1>{name}</h1>
        {row && (mark ? <StateMark state={mark} word={row.state} /> : <span className="muted">{row.state}</span>)}
        <code className="soft">/d/{name}/</code>
      </div>
      <ShadowCard name={name} />
      <p className="foot">
        Cost = container-seconds from start to stop x share of the GPU x price per hour / 3600.
        {overview?.runtime.emulated && ' Containers are emulated: their times come from a profile, not from a GPU.'}
      </p>
    </>
  );
}
