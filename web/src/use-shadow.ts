import { useCallback, useEffect, useState } from 'react';
import type { ShadowDocument } from '../../src/shadow/document.ts';
import { problemOf, type Problem } from './api.ts';

export interface ShadowState {
  /** The last one that came; it stays while the page is blind. */
  readonly document: ShadowDocument | null;
  /** Why the last reading gave none; null: it gave one, or there was none yet. */
  readonly problem: Problem | null;
}

/** A replay comes every few minutes. */
const againMs = 15_000;
const timeoutMs = 10_000;

/** What a deployment's shadow says, read again from time to time while the page is looked at; and a way to read it now. */
export function useShadow(name: string): readonly [ShadowState, () => void] {
  const [state, setState] = useState<ShadowState>({ document: null, problem: null });
  const read = useCallback(
    async (signal: AbortSignal): Promise<void> => {
      try {
        const url = `/fleet/v1/deployments/${encodeURIComponent(name)}/shadow`;
        const response = await fetch(url, { cache: 'no-cache', signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
        if (!response.ok) throw await problemOf(response);
        setState({ document: (await response.json()) as ShadowDocument, problem: null });
      } catch (error) {
        if (!signal.aborted) setState(({ document }) => ({ document, problem: asProblem(error) }));
      }
    },
    [name],
  );
  useEffect(() => {
    const leaving = new AbortController();
    const look = (): void => void (document.hidden || read(leaving.signal));
    look();
    const timer = setInterval(look, againMs);
    document.addEventListener('visibilitychange', look);
    return () => {
      leaving.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [read]);
  return [state, () => void read(new AbortController().signal)];
}

function asProblem(error: unknown): Problem {
  if (!(error instanceof Error)) return error as Problem;
  return { code: 'disconnected', title: 'The gateway does not answer', detail: error.message, next: 'See that it runs: comfleet doctor.' };
}
