import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { JobState } from '../../jobs/job.ts';
import { migrate } from '../migrations.ts';
import { operations, type OperationName } from '../operations.ts';

/** The plan of each statement that an operation prepares, as SQLite tells it. */
function plansOf(name: OperationName, input: unknown): string[] {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const plans: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = (sql: string) => {
    plans.push(
      ...prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row['detail'])),
    );
    return prepare(sql);
  };
  (operations[name] as (db: DatabaseSync, input: unknown) => unknown)(db, input);
  return plans;
}

const page = (filter: { deployment?: string; state?: JobState; key?: string }, before: number | null = 9) =>
  plansOf('jobs', { ...filter, limit: 10, before });

test.each<[string, { deployment?: string; state?: JobState; key?: string }, string]>([
  ['all', {}, 'INTEGER PRIMARY KEY (rowid<?)'],
  ['a deployment', { deployment: 'd' }, 'jobs_deployment (deployment=? AND rowid<?)'],
  ['a final state', { state: 'failed' }, 'jobs_state (state=? AND rowid<?)'],
  ['queued ones', { state: 'queued' }, 'jobs_state (state=? AND rowid<?)'],
  ['a key', { key: 'k' }, 'jobs_key (key_id=? AND rowid<?)'],
  ['a deployment and a final state', { deployment: 'd', state: 'failed' }, 'jobs_deployment_final (deployment=? AND state=? AND rowid<?)'],
  ['a deployment, queued', { deployment: 'd', state: 'queued' }, 'jobs_state (state=? AND rowid<?)'],
  ['a key, running', { key: 'k', state: 'running' }, 'jobs_state (state=? AND rowid<?)'],
  ['a key and a final state', { key: 'k', state: 'succeeded' }, 'jobs_key (key_id=? AND rowid<?)'],
  ['all three', { deployment: 'd', key: 'k', state: 'succeeded' }, 'jobs_key (key_id=? AND rowid<?)'],
])('a page of %s comes from one index in order', (_, filter, index) => {
  const plans = page(filter);
  expect(plans[0]).toContain(index);
  expect(plans.join()).not.toMatch(/TEMP B-TREE|SCAN/);
});

test.each<[OperationName, unknown]>([
  ['job', 'a'],
  ['attempts', 'a'],
  ['jobEvents', { job: 'a', after: 0 }],
  ['earlierSubmission', { at: 0, workspace: 'w', environment: 'e', deployment: 'd', key: null, idempotency: { key: 'k', bodyHash: 'h' } }],
  ['containers', { alive: true, limit: 9 }],
  ['containers', { alive: true, deployment: 'd', limit: 9 }],
  ['containers', { deployment: 'd', limit: 9 }],
  ['decisions', { deployment: 'd', before: 9, limit: 9 }],
  ['dueDeliveries', { at: 0, limit: 9 }],
  ['deliveries', 'a'],
  ['revision', 'r'],
  ['document', 'd'],
  ['requestCancel', { job: 'a', at: 0 }],
  ['containersWithin', { from: 0, to: 1 }],
])('%s %o goes through an index', (name, input) => {
  const plans = plansOf(name, input).join('\n');
  expect(plans).not.toContain('SCAN');
  // The deliveries of one job are few: they may be sorted; and so are containers that started at the same moment.
  if (name !== 'deliveries') expect(plans).not.toMatch(/TEMP B-TREE(?! FOR LAST TERM)/);
});

test('unfinished jobs are found by their state', () => {
  expect(plansOf('unfinishedJobs', undefined)[0]).toContain('jobs_state (state=?)');
});

test('the sweeper finds old jobs, outputs and assets by their age', () => {
  const plans = plansOf('sweep', { at: 0, jobsBefore: 0, outputsBefore: 0, uploadsBefore: 0, limit: 9 }).join('\n');
  for (const index of ['jobs_finished (finished_at<?)', 'jobs_outputs_kept (finished_at<?)', 'containers_ended (ended_at<?)']) {
    expect(plans).toContain(index);
  }
  expect(plans).toContain('assets_used (kind=? AND used_at<?)');
  expect(plans).not.toMatch(/SCAN (j|jobs|assets|containers|decisions|idempotency_keys)( |$)(?!USING.* INDEX)/m);
});
