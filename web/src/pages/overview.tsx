import { useMemo, useState } from 'react';
import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { CostRate } from '../components/cost-rate.tsx';
import { DeploymentsTable } from '../components/deployments-table.tsx';
import { DisconnectedBanner } from '../components/disconnected-banner.tsx';
import { Empty } from '../components/empty.tsx';
import { Figures } from '../components/figures.tsx';
import { JobDots } from '../components/job-dots.tsx';
import { LifeLines } from '../components/life-lines.tsx';
import { LiveEvents } from '../components/live-events.tsx';
import { Loading } from '../components/loading.tsx';
import { ProblemBanner } from '../components/problem-banner.tsx';
import { RuntimeTag } from '../components/runtime-tag.tsx';
import type { TimeRange } from '../components/time-axis.tsx';
import { VerdictBanner } from '../components/verdict-banner.tsx';
import type { LiveState } from '../live.ts';

/** Is the promise kept, what does it cost, what is running: in five seconds. */
export function Overview({ state, retry }: { state: LiveState; retry: () => void }) {
  const { document, status } = state;
  const blind = status === 'disconnected' || status === 'error';
  return (
    <>
      {status === 'disconnected' && <DisconnectedBanner state={state} retry={retry} />}
      {status === 'error' && <ProblemBanner state={state} retry={retry} />}
      {document === null ? (
        !blind && <Loading since={state.since} />
      ) : isEmpty(document) && !blind ? (
        <Empty document={document} />
      ) : (
        <Figured document={document} blind={blind} />
      )}
      {document && (
        <p className="foot">
          <span className="only-narrow">
            <RuntimeTag runtime={document.runtime} />{' '}
          </span>
          Cost = {document.cost.formula}.
          {document.runtime.emulated && ' Containers are emulated: their times come from a profile, not from a GPU.'}
        </p>
      )}
    </>
  );
}

const isEmpty = (document: OverviewDocument): boolean =>
  document.jobs.seen === 0 && document.jobs.n === 0 && document.slots.every((slot) => slot.state === 'free');

/** Everything with figures in it. What a blind page shows is greyed, though its text keeps its contrast. */
function Figured({ document, blind }: { document: OverviewDocument; blind: boolean }) {
  const [zoomed, setZoomed] = useState<TimeRange | null>(null);
  const range = useMemo(() => zoomed ?? document.window, [zoomed, document.window]);
  return (
    <>
      {!blind && <VerdictBanner verdict={document.verdict} />}
      <div className={blind ? 'page greyed' : 'page'}>
        <Figures document={document} />
        <div className="cols c-2-1">
          <LifeLines document={document} range={range} />
          <LiveEvents events={document.events} />
        </div>
        <div className="cols c-1-1">
          <JobDots document={document} range={range} zoom={setZoomed} />
          <CostRate document={document} range={range} zoom={setZoomed} />
        </div>
        <DeploymentsTable rows={document.deployments} />
      </div>
    </>
  );
}
