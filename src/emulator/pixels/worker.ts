import { parentPort } from 'node:worker_threads';
import { operations } from './operations.ts';
import type { OperationName } from './operations.ts';

/** What the pool sends, and what comes back under the same number. */
export interface Task {
  readonly number: number;
  readonly name: OperationName;
  readonly inputs: readonly unknown[];
}
export type Outcome = { readonly number: number; readonly result: unknown } | { readonly number: number; readonly error: unknown };

const answer = (outcome: Outcome): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
  parentPort?.postMessage(outcome);
};

parentPort?.on('message', ({ number, name, inputs }: Task) => {
  const operation = operations[name] as (...inputs: readonly unknown[]) => unknown;
  try {
    answer({ number, result: operation(...inputs) });
  } catch (error) {
    answer({ number, error });
  }
});
