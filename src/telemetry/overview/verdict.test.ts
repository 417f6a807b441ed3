import { describe, expect, it } from 'vitest';
import { verdictOf, type Facts } from './verdict.ts';

const well: Facts = {
  asOf: 1,
  subject: 'Production',
  runtime: { name: 'emulated', ready: true, note: null },
  storeTrouble: null,
  promise: { p: 0.95, latency: 6, jobs: 200, late: 4 },
  missedBy: [],
  lateParts: null,
  recent: { finished: 40, failed: 0, topError: null },
  failed: 0,
  run: 4.4,
  queued: 0,
  running: 2,
  oldestWait: null,
  stalled: null,
  held: [],
  alive: 6,
  starting: 0,
  capacity: 10,
  failedStarts: 0,
  startFailure: null,
  starts: 0,
  meanStart: null,
  coldJobs: 0,
  usdPerMinute: 0.11,
};

const held = (by: string): Partial<Facts> => ({ queued: 14, oldestWait: 22, held: [{ deployment: 'collage', by, queued: 14, max: 10 }] });
const missed = (parts: Partial<NonNullable<Facts['lateParts']>>): Partial<Facts> => ({
  missedBy: ['collage'],
  promise: { p: 0.95, latency: 6, jobs: 200, late: 40 },
  lateParts: { queue: 0, cold: 0, run: 0, store: 0, ...parts },
});

const cases: [string, Partial<Facts>, string, string][] = [
  ['flow/healthy', {}, 'good', 'Production keeps its promise: 98 % of 200 jobs came within 6 s, for $0.110 a minute.'],
  [
    'flow/idle',
    { promise: { p: 0.95, latency: 6, jobs: 0, late: 0 }, running: 0, alive: 0, run: null, usdPerMinute: null },
    'good',
    'Nothing to do: no job came in the last 10 min, and no container is running.',
  ],
  [
    'flow/store_failed',
    { storeTrouble: 'The database: database or disk is full', queued: 2, oldestWait: 9, stalled: 'collage' },
    'bad',
    'The disk of the data folder does not take writes, so jobs are refused: free space on it.',
  ],
  [
    'flow/not_ready',
    { runtime: { name: 'remote', ready: false, note: 'no server answers' } },
    'warn',
    'The runtime remote is not ready yet, so jobs wait.',
  ],
  ['flow/cold_start_wave', { queued: 3, oldestWait: 2, starting: 2 }, 'warn', '3 jobs wait for 2 containers that are starting.'],
  ['flow/cold_start_wave', missed({ cold: 12, run: 4 }), 'warn', 'collage misses its promise: 80 % of 200 jobs came within 6 s.'],
  ['flow/arrival_surge', missed({ queue: 12, run: 4 }), 'warn', 'collage misses its promise: 80 % of 200 jobs came within 6 s.'],
  ['exec/slower_than_promised', missed({ queue: 1, run: 9 }), 'bad', 'collage misses its promise: 80 % of 200 jobs came within 6 s.'],
  ['flow/at_max_containers', held('max_containers'), 'warn', 'collage: 14 jobs wait, held back by max_containers = 10.'],
  [
    'flow/at_max_containers',
    { ...held('max_containers'), missedBy: ['collage'] },
    'bad',
    'collage: 14 jobs wait, held back by max_containers = 10.',
  ],
  ['flow/gpu_quota', held('gpu_limit'), 'warn', "collage: 14 jobs wait, held back by the workspace's GPU limit."],
  ['flow/no_capacity', held('capacity'), 'warn', 'collage: 14 jobs wait, held back by the slots of this machine: all are taken.'],
  [
    'flow/start_failures',
    { queued: 1, oldestWait: 9, failedStarts: 2, startFailure: 'no torch' },
    'bad',
    'Containers do not start: 2 starts failed in the last 2 min, and 1 job waits.',
  ],
  ['flow/dispatch_stall', { queued: 2, oldestWait: 9, stalled: 'collage' }, 'bad', '2 jobs wait though a container of collage is free.'],
  [
    'exec/failures_up',
    { failed: 6, recent: { finished: 40, failed: 6, topError: 'workflow_error' } },
    'bad',
    '15 % of jobs failed in the last 2 min: 6 of 40.',
  ],
  [
    'exec/out_of_memory',
    { failed: 6, recent: { finished: 40, failed: 6, topError: 'out_of_memory' } },
    'bad',
    '15 % of jobs failed in the last 2 min: 6 of 40.',
  ],
];

describe('the verdict', () => {
  it.each(cases)('%s', (code, change, severity, sentence) => {
    expect(verdictOf({ ...well, ...change })).toMatchObject({ code, severity, sentence, as_of: 1 });
  });

  it('does not call a single failure, a short wait or one failed start a finding', () => {
    const little: Partial<Facts>[] = [
      { failed: 1, recent: { finished: 4, failed: 1, topError: 'workflow_error' } },
      { queued: 1, oldestWait: 0.5, stalled: 'collage' },
      { failedStarts: 1 },
    ];
    for (const change of little) expect(verdictOf({ ...well, ...change }).code).toBe('flow/healthy');
  });

  it('rules out what is not the cause', () => {
    expect(verdictOf(well).ruled_out).toEqual([
      'Nothing is held back: 4 of 10 slots are free.',
      'No job failed.',
      'ComfyUI takes 4.4 s a job.',
    ]);
    expect(verdictOf({ ...well, ...held('max_containers') }).ruled_out).toEqual([
      'No job failed.',
      'ComfyUI takes 4.4 s a job.',
      'Not cold starts: no container is starting.',
    ]);
  });
});
