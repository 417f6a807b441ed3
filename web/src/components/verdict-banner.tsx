import type { Verdict } from '../../../src/telemetry/overview/document.ts';
import { unbroken } from '../format.ts';
import { Banner } from './banner.tsx';

/** The server's verdict, as it is. */
export function VerdictBanner({ verdict }: { verdict: Verdict }) {
  const proof = [...verdict.evidence, ...verdict.ruled_out].join(' ');
  return (
    <Banner kind={verdict.severity} sentence={verdict.sentence}>
      {unbroken(proof)}
    </Banner>
  );
}
