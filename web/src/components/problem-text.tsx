import type { Problem } from '../api.ts';
import { sentence, unbroken } from '../format.ts';

/** What a problem comes to and what to do, in words; its code, for searches and reports, small at the end. */
export function ProblemText({ problem: { code, detail, next } }: { problem: Pick<Problem, 'code' | 'detail' | 'next'> }) {
  return (
    <>
      {unbroken(sentence(detail))} {next} <code className="code">{code}</code>
    </>
  );
}
