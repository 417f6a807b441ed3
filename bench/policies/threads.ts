import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Result, Task } from './worker.ts';

const module = new URL('./worker.ts', import.meta.url);

/** Does the tasks on all cores, each core taking the next; results in the order of the tasks. */
export async function doAll(tasks: readonly Task[], onDone: (done: number) => void): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = tasks.entries();
  let done = 0;
  const work = async (): Promise<void> => {
    const worker = new Worker(module);
    try {
      for (const [index, task] of waiting) {
        results[index] = await ask(worker, task);
        onDone(++done);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

async function ask(worker: Worker, task: Task): Promise<Result> {
  // Rejects when the thread ends with an error.
  const answered = once(worker, 'message');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
  worker.postMessage(task);
  return ((await answered) as [Result])[0];
}
