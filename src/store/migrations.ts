import type { DatabaseSync } from 'node:sqlite';
import { ComfleetError } from '../errors.ts';

/**
 * The schema as a list of steps: a step that was released is never changed, only followed by another. `schema.sql` beside this
 * file is what they make together (a test compares).
 *
 * `jobs.num` is the order of acceptance: lists and cursors go by it, and the tables that belong to a job refer to it, so their
 * rows lie close together and grow at the right-hand edge only. What never changes in a job and is long (graph, inputs, files)
 * stays out of `jobs`, because SQLite rewrites the whole row with each change of state.
 */
const migrations: readonly string[] = [
  `
CREATE TABLE jobs (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  workspace TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment TEXT NOT NULL,
  revision TEXT NOT NULL,
  source TEXT NOT NULL,
  key_id TEXT,
  priority INTEGER NOT NULL,
  model_key TEXT NOT NULL,
  deadline_at REAL,
  execution_timeout_ms REAL NOT NULL,
  webhook TEXT,
  state TEXT NOT NULL,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  created_at REAL NOT NULL,
  started_at REAL,
  finished_at REAL,
  attempts INTEGER NOT NULL DEFAULT 0,
  lost_containers INTEGER NOT NULL DEFAULT 0,
  token INTEGER NOT NULL DEFAULT 0,
  container TEXT,
  error TEXT,
  outputs TEXT NOT NULL DEFAULT '[]',
  outputs_kept INTEGER NOT NULL DEFAULT 0,
  timing TEXT,
  usage TEXT,
  events INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX jobs_deployment ON jobs (deployment);
CREATE INDEX jobs_key ON jobs (key_id) WHERE key_id IS NOT NULL;
CREATE INDEX jobs_state ON jobs (state);
CREATE INDEX jobs_deployment_final ON jobs (deployment, state) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_outputs_kept ON jobs (finished_at) WHERE outputs_kept = 1;

CREATE TABLE job_contents (
  job INTEGER PRIMARY KEY,
  content TEXT NOT NULL
) STRICT;

CREATE TABLE job_events (
  job INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at REAL NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  job INTEGER NOT NULL,
  number INTEGER NOT NULL,
  token INTEGER NOT NULL,
  container TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  started_at REAL NOT NULL,
  ended_at REAL,
  outcome TEXT NOT NULL,
  cold_ms REAL NOT NULL,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
  workspace TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment TEXT NOT NULL,
  caller TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  job TEXT NOT NULL,
  used_at REAL NOT NULL,
  PRIMARY KEY (workspace, environment, deployment, caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_used ON idempotency_keys (used_at);

CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  job TEXT NOT NULL,
  url TEXT NOT NULL,
  event TEXT NOT NULL,
  state TEXT NOT NULL,
  tries INTEGER NOT NULL,
  next_at REAL NOT NULL,
  last_status INTEGER,
  last_error TEXT,
  created_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_job ON deliveries (job);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending';

CREATE TABLE revisions (
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment TEXT NOT NULL,
  created_at REAL NOT NULL,
  record TEXT NOT NULL
) STRICT;

CREATE TABLE revision_assets (
  asset TEXT NOT NULL,
  revision TEXT NOT NULL,
  PRIMARY KEY (asset, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE deployments (
  workspace TEXT NOT NULL,
  environment TEXT NOT NULL,
  name TEXT NOT NULL,
  revision TEXT NOT NULL,
  is_default INTEGER NOT NULL,
  created_at REAL NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (workspace, environment, name)
) STRICT;

CREATE TABLE containers (
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment TEXT NOT NULL,
  revision TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL,
  started_at REAL NOT NULL,
  ended_at REAL,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX containers_started ON containers (started_at);
CREATE INDEX containers_deployment ON containers (deployment, started_at);
CREATE INDEX containers_ended ON containers (ended_at, started_at);

CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  deployment TEXT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  data TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_deployment ON decisions (deployment);
CREATE INDEX decisions_at ON decisions (at);

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  created_at REAL NOT NULL,
  record TEXT NOT NULL
) STRICT;

CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  expires_at REAL NOT NULL
) STRICT;

CREATE TABLE assets (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  used_at REAL NOT NULL,
  PRIMARY KEY (id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX assets_used ON assets (kind, used_at);

CREATE TABLE documents (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  updated_at REAL NOT NULL
) STRICT;
`,
  `
-- The first version did not keep it, and had no other environment unless it was configured.
ALTER TABLE decisions ADD COLUMN environment TEXT NOT NULL DEFAULT 'production';
`,
  // Prompts of ComfyUI clients, each beside its job. `listed` says that the history shows it; `history` is what its container said.
  `
CREATE TABLE prompts (
  job INTEGER PRIMARY KEY,
  workspace TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment TEXT NOT NULL,
  caller TEXT NOT NULL,
  prompt_id TEXT NOT NULL,
  client_id TEXT,
  listed INTEGER NOT NULL DEFAULT 0,
  finished_at REAL,
  history TEXT
) STRICT;
CREATE INDEX prompts_id ON prompts (prompt_id, job);
CREATE INDEX prompts_unfinished ON prompts (deployment, environment) WHERE finished_at IS NULL;
CREATE INDEX prompts_listed ON prompts (deployment, environment, finished_at, job) WHERE listed = 1;
CREATE INDEX prompts_listed_caller ON prompts (deployment, environment, workspace, caller, finished_at, job) WHERE listed = 1;
CREATE INDEX prompts_client ON prompts (client_id, finished_at) WHERE client_id IS NOT NULL;
`,
  // Files by the names that ComfyUI clients know. A row lives as long as the row in `assets` of its asset and kind: `output` for what
  // a job made, `upload` for the rest. A counter outlives its files, so that a name in the history never comes to mean another file.
  `
CREATE TABLE named_files (
  workspace TEXT NOT NULL,
  caller TEXT NOT NULL,
  type TEXT NOT NULL,
  subfolder TEXT NOT NULL,
  filename TEXT NOT NULL,
  asset TEXT NOT NULL,
  mime TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  named_at REAL NOT NULL,
  job TEXT,
  node TEXT,
  output_key TEXT,
  output_index INTEGER,
  PRIMARY KEY (workspace, caller, type, subfolder, filename)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_files_asset ON named_files (asset, workspace, caller, type, subfolder, filename);
CREATE INDEX named_files_name ON named_files (type, subfolder, filename, named_at);
CREATE UNIQUE INDEX named_files_output ON named_files (job, node, output_key, output_index) WHERE job IS NOT NULL;

CREATE TABLE file_counters (
  workspace TEXT NOT NULL,
  caller TEXT NOT NULL,
  type TEXT NOT NULL,
  subfolder TEXT NOT NULL,
  stem TEXT NOT NULL,
  number INTEGER NOT NULL,
  used_at REAL NOT NULL,
  PRIMARY KEY (workspace, caller, type, subfolder, stem)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_counters_used ON file_counters (used_at);
`,
  // What a trace is made from: how long a job's prompt had the GPU to itself, and which other jobs take about as long. Jobs of before have neither.
  `
ALTER TABLE jobs ADD COLUMN workflow_class TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN gpu_ms REAL;
CREATE INDEX jobs_arrivals ON jobs (deployment, environment, created_at);
`,
];

/** Brings a database up to this code's schema (or, for tests, to an older version of it), in one transaction. Error: `data_folder_newer` when it is ahead of this code. */
export function migrate(db: DatabaseSync, upTo = migrations.length): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec('CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY) STRICT');
    const version = Number(db.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_migrations').get()?.['version']);
    if (version > migrations.length) {
      throw new ComfleetError(
        'data_folder_newer',
        `The database has schema version ${version}, and this comfleet knows versions up to ${migrations.length}.`,
      );
    }
    for (const [index, sql] of migrations.entries()) {
      if (index < version || index >= upTo) continue;
      db.exec(sql);
      db.prepare('INSERT INTO schema_migrations (version) VALUES (?)').run(index + 1);
    }
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

/** The schema of a database as text, in a fixed order: what `schema.sql` holds. */
export function schemaOf(db: DatabaseSync): string {
  const rows = db.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name').all();
  return rows.map((row) => `${String(row['sql'])};\n`).join('');
}
