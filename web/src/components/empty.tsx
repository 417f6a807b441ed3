import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { count } from '../format.ts';
import { Banner } from './banner.tsx';
import { FreeSlots } from './free-slots.tsx';
import { SlotGrid } from './slot-grid.tsx';

/** Nothing has run yet: the commands that change that, and what is there to run on. */
export function Empty({ document }: { document: OverviewDocument }) {
  const { deployments, example, slots, containers } = document;
  const gpu = slots.find((slot) => slot.gpu !== null)?.gpu;
  const deployed = deployments.length > 0;
  const served = deployments.find((row) => row.default)?.name ?? 'mine';
  const cost = document.cost.usd_per_min === null ? '' : ' and costs $0.000/min until the first job';
  return (
    <>
      <Banner
        kind="plain"
        sentence={deployed ? 'Ready. The first prompt starts the first container.' : 'Nothing is deployed yet. One file makes an API.'}
      >
        This machine has {count(containers.capacity, 'free slot')}
        {gpu === undefined ? '' : ` (${gpu})`}
        {cost}.
      </Banner>
      <div className="cols c-2-1">
        <section className="sheet" aria-label="First steps">
          <header>
            <h2>Three steps to the first picture</h2>
          </header>
          <div className="in">
            <ol className="steps">
              <li>
                <div>
                  <b>Deploy a workflow</b>
                  <p className="soft">
                    {deployed
                      ? `Done: ${deployments.map((row) => row.name).join(', ')}. Another one is one API-format JSON file away.`
                      : 'An API-format JSON file from ComfyUI. Its inputs are found for you.'}
                  </p>
                  <Command name="deploy" text="npx comfleet deploy workflow_api.json --name mine" />
                </div>
              </li>
              <li>
                <div>
                  <b>Say how many containers there may be</b>
                  <p className="soft">They follow the traffic: none without it. These limits can be changed at any time.</p>
                  <Command name="scale" text={`npx comfleet scale ${served} max_containers=4`} />
                </div>
              </li>
              <li>
                <div>
                  <b>Send a prompt</b>
                  <p className="soft">The first job waits for its container to start; then this page fills.</p>
                  <Command name="curl" text={curlOf(example)} />
                </div>
              </li>
            </ol>
          </div>
        </section>
        <section className="sheet slots-free" aria-label="Slots">
          <header>
            <h2>Slots</h2>
            <span className="note right">{count(containers.capacity, 'slot')}, all free</span>
          </header>
          <div className="in">{slots.length > 0 ? <FreeSlots slots={slots} /> : <SlotGrid count={containers.capacity} />}</div>
        </section>
      </div>
    </>
  );
}

function Command({ name, text }: { name: string; text: string }) {
  return (
    <pre className="code" tabIndex={0} role="region" aria-label={`${name} example`}>
      {text}
    </pre>
  );
}

function curlOf(example: OverviewDocument['example']): string {
  const { path, body, file } = example ?? { path: '/', body: { prompt: 'a regal phoenix' }, file: 'phoenix.png' };
  const json = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl -sL ${location.host}${path} -H 'content-type: application/json' \\\n  -d '${json}' -o ${file}`;
}
