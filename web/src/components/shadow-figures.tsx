import type { ShadowResult } from '../../../src/shadow/document.ts';
import { count, percent } from '../format.ts';
import { Figure } from './figure.tsx';

/** What was measured beside what is simulated, and how far from the best possible that is. */
export function ShadowFigures({ result }: { result: ShadowResult }) {
  const { measured, runs, slo, bound, price_usd_per_hour: price } = result;
  const [now] = runs;
  const promise = `promise ${Number((slo.p * 100).toFixed(1))} %; ${count(measured.jobs, 'job')}`;
  const hours = (Date.parse(result.window.to) - Date.parse(result.window.from)) / 3_600_000;
  const containers = (gpuSeconds: number): string => (gpuSeconds / 3600 / hours).toFixed(2);
  return (
    <dl className="figs four">
      <Figure label={`Within ${slo.latency_s} s, measured`} value={percent(measured.attainment)} unit="%" detail={promise} />
      <Figure
        label={`Within ${slo.latency_s} s, simulated`}
        value={percent(now?.attainment ?? null)}
        unit="%"
        detail="with the settings of now"
      />
      {price === null ? (
        <Figure
          label="Containers, measured"
          value={containers(measured.gpu_seconds)}
          unit="on the mean"
          detail={`simulated ${containers(now?.gpu_seconds ?? 0)}; no price set`}
        />
      ) : (
        <Figure
          label="Cost, measured"
          value={dollars(measured.usd_per_hour)}
          unit="/h"
          detail={`simulated ${dollars(now?.usd_per_hour ?? null)}/h`}
        />
      )}
      <Figure
        label="By the lower bound"
        value={bound === null ? '-' : bound.ratio.toFixed(2)}
        unit="x"
        detail={bound === null ? 'there is none' : boundWords(bound, containers)}
      />
    </dl>
  );
}

/** To the cent, smaller ones to two digits. */
export const dollars = (usd: number | null): string =>
  usd === null ? '-' : `$${usd >= 0.1 || usd === 0 ? usd.toFixed(2) : usd.toPrecision(2)}`;

const boundWords = (bound: NonNullable<ShadowResult['bound']>, containers: (gpuSeconds: number) => string): string =>
  `simulated; no policy that keeps the promise can do with less than ${
    bound.usd_per_hour === null ? `${containers(bound.gpu_seconds)} containers` : `${dollars(bound.usd_per_hour)}/h`
  }`;
