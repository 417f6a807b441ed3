import { useCallback, useEffect, useState } from 'react';
import { call, type Problem } from './api.ts';
import type { Deployment } from './shapes.ts';
import { problemFrom } from './use-plan.ts';

export interface DeploymentsHook {
  /** Null: they are not here yet. */
  readonly deployments: readonly Deployment[] | null;
  readonly problem: Problem | null;
  readonly reload: () => void;
}

/** What is deployed. */
export function useDeployments(): DeploymentsHook {
  const [deployments, setDeployments] = useState<readonly Deployment[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    call<{ items: Deployment[] }>('/fleet/v1/deployments?limit=200', { signal: leaving.signal }).then(
      ({ items }) => {
        setDeployments(items);
        setProblem(null);
      },
      (error: unknown) => void (leaving.signal.aborted || setProblem(problemFrom(error))),
    );
    return () => leaving.abort();
  }, [asked]);
  return { deployments, problem, reload: useCallback(() => setAsked((n) => n + 1), []) };
}

/** NAME, or NAME@ENVIRONMENT for all but production. */
export const targetOf = ({ name, environment }: Deployment): string => (environment === 'production' ? name : `${name}@${environment}`);
