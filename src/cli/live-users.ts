import type { Answer } from '../planning/experiment-figures.ts';
import { UserFeed, type ClosedLoop } from '../planning/closed-loop.ts';
import type { Agenda } from '../planning/source.ts';

/** Users of a closed loop in real time. They come and pause as simulated ones of the same seed do. */

export interface LiveAnswers {
  readonly answers: readonly Answer[];
  /** Reasons why there was no answer, and how often each. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface LiveUsersInput {
  readonly loop: ClosedLoop;
  /** Milliseconds since the first user came. */
  readonly now: () => number;
  /** Settles with the answer; rejects when there is none. */
  readonly ask: () => Promise<void>;
  /** Nobody asks from then on, and nothing is waited for. */
  readonly signal: AbortSignal;
}

/** Settles when the loop has ended and every answer is there. */
export async function liveUsers({ loop, now, ask, signal }: LiveUsersInput): Promise<LiveAnswers> {
  const answers: Answer[] = [];
  const failures: Record<string, number> = {};
  const timers = new Set<NodeJS.Timeout>();
  const waiting = new Set<Promise<void>>();
  const feed = new UserFeed(loop);
  feed.begin(agendaOf(now, timers), (job) => {
    const askedMs = now();
    const answered = ask()
      .then(
        () => void answers.push({ user: job.user as string, askedMs, ms: now() - askedMs }),
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          failures[reason] = (failures[reason] ?? 0) + 1;
        },
      )
      .then(() => void waiting.delete(answered))
      .then(() => feed.answered(job));
    waiting.add(answered);
  });
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener('abort', () => resolve(), { once: true });
  const end = new Promise<void>((resolve) => timers.add(setTimeout(resolve, loop.endMs - now())));
  await Promise.race([end, aborted]);
  while (!signal.aborted && waiting.size > 0) await Promise.race([aborted, Promise.all(waiting)]);
  for (const timer of timers) clearTimeout(timer);
  return { answers: answers.toSorted((a, b) => a.askedMs - b.askedMs), failures };
}

const agendaOf = (now: () => number, timers: Set<NodeJS.Timeout>): Agenda => ({
  now,
  set(at, _, fn) {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        fn();
      },
      Math.max(0, at - now()),
    );
    timers.add(timer);
    return { cancel: () => clearTimeout(timer) };
  },
});
