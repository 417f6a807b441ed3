import { useCallback, useEffect, useRef, useState } from 'react';
import { call, Refused, type Problem } from './api.ts';
import type { PlanRequest, WirePlan } from './shapes.ts';

/** `plan`: what the gateway said of it last; null: nothing yet. */
export type Planning =
  | { readonly state: 'none'; readonly plan: null }
  | { readonly state: 'running'; readonly plan: WirePlan | null }
  | { readonly state: 'done' | 'cancelled'; readonly plan: WirePlan }
  | { readonly state: 'failed'; readonly plan: WirePlan | null; readonly problem: Problem };

const plansUrl = '/fleet/v1/plans';
const pollMs = 250;

export interface PlanHook {
  readonly planning: Planning;
  readonly ask: (question: PlanRequest) => void;
  /** Shows a plan that was asked for before. */
  readonly follow: (id: string) => void;
  /** Gives up the plan that is being made. Error: `Refused`. */
  readonly stop: (plan: WirePlan) => Promise<void>;
}

/** One plan at a time, from the question to the result. Who leaves the page stops waiting; the newest question wins. */
export function usePlan(): PlanHook {
  const [planning, setPlanning] = useState<Planning>({ state: 'none', plan: null });
  const waiting = useRef<AbortController>(null);
  useEffect(() => () => waiting.current?.abort(), []);
  const begin = useCallback((first: (signal: AbortSignal) => Promise<WirePlan>) => {
    waiting.current?.abort();
    const mine = new AbortController();
    waiting.current = mine;
    const show = (next: Planning): void => void (mine.signal.aborted || setPlanning(next));
    show({ state: 'running', plan: null });
    wait(first, mine.signal, show).catch((error: unknown) => show({ state: 'failed', plan: null, problem: problemFrom(error) }));
  }, []);
  const ask = useCallback((body: PlanRequest) => begin((signal) => call<WirePlan>(plansUrl, { method: 'POST', body, signal })), [begin]);
  const follow = useCallback((id: string) => begin((signal) => call<WirePlan>(planPath(id), { signal })), [begin]);
  const stop = useCallback(async (plan: WirePlan): Promise<void> => {
    const mine = waiting.current;
    await call(planPath(plan.id), { method: 'DELETE' });
    if (mine !== waiting.current || mine?.signal.aborted) return;
    mine?.abort();
    setPlanning({ state: 'cancelled', plan });
  }, []);
  return { planning, ask, follow, stop };
}

const planPath = (id: string): string => `${plansUrl}/${encodeURIComponent(id)}`;

async function wait(
  first: (signal: AbortSignal) => Promise<WirePlan>,
  signal: AbortSignal,
  show: (planning: Planning) => void,
): Promise<void> {
  let plan = await first(signal);
  // The address names the plan, so that it can be loaded again, and sent to others.
  if (!signal.aborted) history.replaceState(null, '', `${location.pathname}?plan=${encodeURIComponent(plan.id)}`);
  while (plan.state === 'running') {
    show({ state: 'running', plan });
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    signal.throwIfAborted();
    plan = await call<WirePlan>(planPath(plan.id), { signal });
  }
  if (plan.state === 'cancelled') show({ state: 'cancelled', plan });
  else show(plan.error ? { state: 'failed', plan, problem: plan.error } : { state: 'done', plan });
}

/** For the page: whatever was thrown, as a problem. */
export const problemFrom = (error: unknown): Problem =>
  error instanceof Refused
    ? error.problem
    : { code: 'page', title: 'This page broke', detail: String(error), next: 'Load it again, and report what it says.' };
