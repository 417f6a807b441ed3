import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';
import { count, fixed, percent, seconds } from '../format.ts';
import { Figure } from './figure.tsx';
import { Sparkline } from './sparkline.tsx';
import { StateBar, stateWords } from './state-bar.tsx';

/** The strip of six figures: the promise, latency, failures, the queue, containers and cost. */
export function Figures({ document }: { document: OverviewDocument }) {
  const { slo, latency, failed, queue, containers, cost, window } = document;
  const inWindow = <T extends { readonly t: number }>(points: readonly T[]): readonly T[] =>
    points.filter((point) => point.t >= window.from);
  const within = slo.latency_s === null ? 'In time, last 10 min' : `Within ${slo.latency_s} s, last 10 min`;
  const promise = slo.p === null ? '' : `promise ${Number((slo.p * 100).toFixed(1))} %; `;
  const interval = latency.p95_ci === null ? '' : `CI ${fixed(latency.p95_ci[0], 1)} to ${fixed(latency.p95_ci[1], 1)} s; `;
  const alive = Object.values(containers.by_state).reduce((sum, n) => sum + n, 0);
  const rates = inWindow(cost.series).map(({ t, busy, starting, idle }) => ({ t, v: busy + starting + idle }));
  const gpus = cost.gpus.map(
    ({ gpu, count: n, usd_per_hour: price }) => `${n} x ${price === null ? (gpu ?? 'CPU') : `$${price.toFixed(2)}/h`}`,
  );
  return (
    <section className="sheet" aria-label="Figures">
      <dl className="figs">
        <Figure
          label={within}
          value={percent(slo.attainment)}
          unit="%"
          detail={slo.jobs === 0 ? 'no job yet' : `${promise}${slo.late} of ${slo.jobs} late`}
        >
          <Sparkline
            name="Share of jobs in time over the window"
            points={inWindow(slo.series)}
            colour="var(--st-busy)"
            limit={slo.jobs === 0 ? null : slo.p}
            to={1}
          />
        </Figure>
        <Figure
          label="Latency p95"
          value={fixed(latency.p95, 1)}
          unit="s"
          detail={latency.p50 === null ? 'no job yet' : `${interval}p50 ${fixed(latency.p50, 1)} s`}
        >
          <Sparkline
            name="p95 over the window"
            points={inWindow(latency.series)}
            colour="var(--st-busy)"
            limit={latency.n === 0 ? null : slo.latency_s}
            from={0}
          />
        </Figure>
        <Figure
          label="Failed"
          value={failed.of === 0 ? '-' : percent(failed.jobs / failed.of)}
          unit="%"
          detail={
            failed.of === 0 ? 'no job yet' : `${failed.jobs} of ${count(failed.of, 'job')}${failed.top === null ? '' : `; ${failed.top}`}`
          }
        >
          <Sparkline
            name="Share of jobs that failed over the window"
            points={inWindow(failed.series)}
            colour="var(--ink-2)"
            from={0}
            to={0.1}
          />
        </Figure>
        <Figure
          label="Queue"
          value={String(queue.length)}
          unit={queue.length === 1 ? 'job' : 'jobs'}
          detail={
            queue.oldest_wait_s === null ? `longest wait ${seconds(queue.longest_wait_s)}` : `oldest waits ${seconds(queue.oldest_wait_s)}`
          }
        >
          <Sparkline name="Jobs that wait over the window" points={inWindow(queue.series)} colour="var(--part-queue)" from={0} to={1} />
        </Figure>
        <Figure label="Containers" value={String(alive)} unit={`of ${containers.capacity}`} detail={stateWords(containers.by_state)}>
          <StateBar states={containers.by_state} />
        </Figure>
        <Figure
          label="Cost now"
          value={cost.usd_per_min === null ? '-' : `$${cost.usd_per_min.toFixed(3)}`}
          unit="/min"
          detail={cost.usd_per_min === null ? 'no price set' : gpus.join(', ') || 'nothing is running'}
        >
          <Sparkline
            name={cost.unit === 'containers' ? 'Containers over the window' : 'Cost per minute over the window'}
            points={rates}
            colour="var(--ink-2)"
            from={0}
          />
        </Figure>
      </dl>
    </section>
  );
}
