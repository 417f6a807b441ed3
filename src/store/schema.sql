CREATE TABLE assets (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  used_at REAL NOT NULL,
  PRIMARY KEY (id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX assets_used ON assets (kind, used_at);
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
CREATE INDEX containers_deployment ON containers (deployment, started_at);
CREATE INDEX containers_ended ON containers (ended_at, started_at);
CREATE INDEX containers_started ON containers (started_at);
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  deployment TEXT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  data TEXT NOT NULL,
  hash TEXT NOT NULL
, environment TEXT NOT NULL DEFAULT 'production') STRICT;
CREATE INDEX decisions_at ON decisions (at);
CREATE INDEX decisions_deployment ON decisions (deployment);
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
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending';
CREATE INDEX deliveries_job ON deliveries (job);
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
CREATE TABLE documents (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  updated_at REAL NOT NULL
) STRICT;
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
, workflow_class TEXT NOT NULL DEFAULT '', gpu_ms REAL) STRICT;
CREATE INDEX jobs_arrivals ON jobs (deployment, environment, created_at);
CREATE INDEX jobs_deployment ON jobs (deployment);
CREATE INDEX jobs_deployment_final ON jobs (deployment, state) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_key ON jobs (key_id) WHERE key_id IS NOT NULL;
CREATE INDEX jobs_outputs_kept ON jobs (finished_at) WHERE outputs_kept = 1;
CREATE INDEX jobs_state ON jobs (state);
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
CREATE INDEX prompts_client ON prompts (client_id, finished_at) WHERE client_id IS NOT NULL;
CREATE INDEX prompts_id ON prompts (prompt_id, job);
CREATE INDEX prompts_listed ON prompts (deployment, environment, finished_at, job) WHERE listed = 1;
CREATE INDEX prompts_listed_caller ON prompts (deployment, environment, workspace, caller, finished_at, job) WHERE listed = 1;
CREATE INDEX prompts_unfinished ON prompts (deployment, environment) WHERE finished_at IS NULL;
CREATE TABLE revision_assets (
  asset TEXT NOT NULL,
  revision TEXT NOT NULL,
  PRIMARY KEY (asset, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE revisions (
  id TEXT PRIMARY KEY,
  workspace TEXT NOT NULL,
  environment TEXT NOT NULL,
  deployment TEXT NOT NULL,
  created_at REAL NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY) STRICT;
