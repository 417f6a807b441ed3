import type { ReactNode } from 'react';
import { unbroken } from '../format.ts';

export interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly unit: string;
  readonly detail: string;
  readonly children?: ReactNode;
}

/** One figure of the strip: label, value with its unit, what it is made of, and its course. */
export function Figure({ label, value, unit, detail, children }: FigureProps) {
  return (
    <div>
      <dt>{unbroken(label)}</dt>
      <dd className="v">
        {value} <small>{unit}</small>
      </dd>
      <dd className="d" title={detail}>
        {unbroken(detail)}
      </dd>
      {children !== undefined && <dd className="sp">{children}</dd>}
    </div>
  );
}
