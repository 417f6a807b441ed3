import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { all, change, each, one } from '../../sqlite/connection.ts';
import type { JobRow, NewJobRow, PromptRow } from '../rows.ts';

/** `PromptScope` as rows have it; `caller` null: everybody's. */
export interface ScopeRow {
  deployment: string;
  environment: string;
  caller: { workspace: string; caller: string } | null;
}

/** Of the ends that one client may have missed. */
const endsForClientLimit = 1_000;

/** Notes the prompt of the job that was inserted last. */
export function addPrompt(db: DatabaseSync, job: NewJobRow, prompt: { id: string; client: string | null }): void {
  change(
    db,
    `INSERT INTO prompts (job, workspace, environment, deployment, caller, prompt_id, client_id)
     VALUES ((SELECT num FROM jobs WHERE id = ?), ?, ?, ?, ?, ?, ?)`,
    job.id,
    job.workspace,
    job.environment,
    job.deployment,
    job.key ?? '',
    prompt.id,
    prompt.client,
  );
}

/**
 * The prompt's job has ended. One that was cancelled before it ever ran leaves no trace, as in ComfyUI. Keys for paid services were kept for the
 * container alone, which needs them no more.
 */
export function concludePrompt(
  db: DatabaseSync,
  head: { num: number; attempts: number },
  ending: { at: number; state: string; history: string | null },
): void {
  const listed = ending.state !== 'canceled' || head.attempts > 0;
  change(
    db,
    'UPDATE prompts SET listed = ?, finished_at = ?, history = ? WHERE job = ?',
    listed ? 1 : 0,
    ending.at,
    ending.history,
    head.num,
  );
  change(
    db,
    `UPDATE job_contents SET content = json_remove(content, '$.prompt.extraData.auth_token_comfy_org', '$.prompt.extraData.api_key_comfy_org')
     WHERE job = ? AND content LIKE '%_comfy_org"%'`,
    head.num,
  );
}

const selectPrompts = `SELECT j.*, c.content, p.history, p.listed
  FROM prompts p JOIN jobs j ON j.num = p.job JOIN job_contents c ON c.job = p.job`;

function inScope({ deployment, environment, caller }: ScopeRow): { where: string; values: SQLInputValue[] } {
  const where = 'p.deployment = ? AND p.environment = ?';
  if (!caller) return { where, values: [deployment, environment] };
  return { where: `${where} AND p.workspace = ? AND p.caller = ?`, values: [deployment, environment, caller.workspace, caller.caller] };
}

/** See `Store.jobOfPrompt`. */
export function jobOfPrompt(db: DatabaseSync, input: ScopeRow & { promptId: string }): (PromptRow & { listed: number }) | null {
  const { where, values } = inScope(input);
  // Ids are chosen to be different, so few rows have this one, and the scope only sorts them out.
  const sql = `${selectPrompts} WHERE p.prompt_id = ? AND ${where.replaceAll('p.', '+p.')} ORDER BY p.job DESC LIMIT 1`;
  return (one(db, sql, input.promptId, ...values) as (PromptRow & { listed: number }) | undefined) ?? null;
}

/** See `Store.unfinishedPrompts`. */
export function unfinishedPrompts(db: DatabaseSync, scope: ScopeRow): JobRow[] {
  const { where, values } = inScope(scope);
  return all<JobRow>(db, `${selectPrompts} WHERE p.finished_at IS NULL AND ${where} ORDER BY p.job`, ...values);
}

/** See `Store.endedPrompts`. */
export function endedPrompts(db: DatabaseSync, input: ScopeRow & { limit: number; offset: number | null; maxBytes: number }): PromptRow[] {
  const { where, values } = inScope(input);
  const ended = `${selectPrompts} WHERE p.listed = 1 AND ${where} ORDER BY p.finished_at`;
  const { limit, offset, maxBytes } = input;
  if (offset !== null) return within(maxBytes, each(db, `${ended}, p.job LIMIT ? OFFSET ?`, ...values, limit, offset));
  return within(maxBytes, each(db, `${ended} DESC, p.job DESC LIMIT ?`, ...values, limit)).reverse();
}

/** As many rows as have so many bytes together, and at least the first. */
function within(maxBytes: number, rows: Iterable<PromptRow>): PromptRow[] {
  const taken: PromptRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += Buffer.byteLength(row.content) + Buffer.byteLength(row.history ?? '');
    if (bytes > maxBytes && taken.length > 0) break;
    taken.push(row);
  }
  return taken;
}

/** See `Store.endsForClient`. */
export function endsForClient(db: DatabaseSync, input: ScopeRow & { clientId: string; from: number; to: number }): PromptRow[] {
  const { where, values } = inScope(input);
  const sql = `${selectPrompts} WHERE p.client_id = ? AND p.listed = 1 AND p.finished_at BETWEEN ? AND ? AND ${where.replaceAll('p.', '+p.')}
    ORDER BY p.finished_at DESC, p.job DESC LIMIT ?`;
  return all<PromptRow>(db, sql, input.clientId, input.from, input.to, ...values, endsForClientLimit).reverse();
}

/** See `Store.forgetPrompts`. */
export function forgetPrompts(db: DatabaseSync, input: ScopeRow & { promptIds: string[] | null }): void {
  const { where, values } = inScope(input);
  const plain = where.replaceAll('p.', '');
  const forget = `UPDATE prompts SET listed = 0, history = NULL WHERE listed = 1 AND ${plain}`;
  if (input.promptIds === null) change(db, forget, ...values);
  else change(db, `${forget} AND prompt_id IN (SELECT value FROM json_each(?))`, ...values, JSON.stringify(input.promptIds));
}
