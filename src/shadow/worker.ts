import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { openHighs } from '../solver/highs.ts';
import { possibleOf, solveBound } from './bound.ts';
import { replay } from './replay.ts';
import type { ReplayMessage, ReplayTask } from './replayer.ts';

/** The thread of one replay: it says what came out, then what the bound is, and ends. */

/** Everybody else goes first. On Linux a thread has a priority of its own; elsewhere this would slow the gateway down. */
const niceness = 15;
if (process.platform === 'linux') setPriority(0, niceness);

const say = (message: ReplayMessage): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; a thread has no origin
  parentPort?.postMessage(message);
};

const { input, known } = workerData as ReplayTask;
const possible = possibleOf(input);
say({ kind: 'runs', runs: replay(input), possible });
if (possible.share < input.scaling.slo.p) say({ kind: 'bound', bound: null, note: 'no policy can meet the target' });
else say({ kind: 'bound', bound: solveBound(input, known, await openHighs()), note: null });
