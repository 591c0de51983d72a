CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE workflows (
	tenant TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT NOT NULL, 
	description TEXT NOT NULL, 
	tags BLOB NOT NULL, 
	published BOOLEAN NOT NULL, 
	created_at DOUBLE NOT NULL, 
	updated_at DOUBLE NOT NULL, 
	document BLOB NOT NULL, 
	CONSTRAINT pk_workflows PRIMARY KEY (tenant, hash)
);

CREATE UNIQUE INDEX uq_workflows_published ON workflows (tenant, name, version) WHERE published;

CREATE TABLE templates (
	tenant TEXT NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT NOT NULL, 
	body BLOB NOT NULL, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_templates PRIMARY KEY (tenant, name)
);

CREATE TABLE threads (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	thread_type TEXT NOT NULL, 
	body BLOB NOT NULL, session TEXT, parent TEXT, parent_position BIGINT, line TEXT, 
	CONSTRAINT pk_threads PRIMARY KEY (id)
);

CREATE INDEX ix_threads_tenant_created_at_id ON threads (tenant, created_at, id);

CREATE TABLE heads (
	thread TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	position BIGINT NOT NULL, 
	run TEXT, 
	CONSTRAINT pk_heads PRIMARY KEY (thread)
)
 WITHOUT ROWID;

CREATE TABLE journal (
	thread TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	tenant TEXT NOT NULL, 
	run TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_journal PRIMARY KEY (thread, position)
)
 WITHOUT ROWID;

CREATE TABLE inbox (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	tenant TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	run TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	body BLOB NOT NULL, 
	"key" TEXT NOT NULL, 
	CONSTRAINT uq_inbox_run_key UNIQUE (run, "key")
);

CREATE INDEX ix_inbox_thread_number ON inbox (thread, number);

CREATE TABLE checkpoints (
	thread TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	tenant TEXT NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_checkpoints PRIMARY KEY (thread, position)
);

CREATE TABLE runs (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	workflow TEXT NOT NULL, 
	workflow_hash TEXT NOT NULL, 
	status TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	started_at DOUBLE, 
	ended_at DOUBLE, 
	asked BLOB NOT NULL, 
	outcome BLOB NOT NULL, 
	CONSTRAINT pk_runs PRIMARY KEY (id)
);

CREATE INDEX ix_runs_tenant_created_at_id ON runs (tenant, created_at, id);

CREATE INDEX ix_runs_thread_created_at_id ON runs (thread, created_at, id);

CREATE TABLE queue (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	due_at DOUBLE NOT NULL, 
	worker TEXT, 
	epoch BIGINT NOT NULL, 
	wishes BIGINT NOT NULL, until DOUBLE, head_start DOUBLE DEFAULT '0' NOT NULL, slot TEXT, rate TEXT, singleton TEXT, debounce TEXT, deliveries BIGINT DEFAULT '0' NOT NULL, claimed_position BIGINT DEFAULT '-1' NOT NULL, line TEXT DEFAULT '' NOT NULL, sole TEXT, 
	CONSTRAINT uq_queue_run UNIQUE (run)
);

CREATE TABLE usage (
	number INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	run TEXT NOT NULL, 
	workflow TEXT NOT NULL, 
	activation TEXT NOT NULL, 
	effect BIGINT NOT NULL, 
	attempt BIGINT NOT NULL, 
	epoch BIGINT NOT NULL, 
	model TEXT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cost TEXT, 
	currency TEXT, 
	estimated BOOLEAN NOT NULL, state TEXT DEFAULT 'counted' NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (number), 
	CONSTRAINT uq_usage_run_activation_effect_attempt_epoch UNIQUE (run, activation, effect, attempt, epoch)
);

CREATE TABLE api_keys (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	role TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_api_keys PRIMARY KEY (id), 
	CONSTRAINT uq_api_keys_digest UNIQUE (digest)
);

CREATE INDEX ix_api_keys_tenant_created_at_id ON api_keys (tenant, created_at, id);

CREATE TABLE idempotency (
	tenant TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	run TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	CONSTRAINT pk_idempotency PRIMARY KEY (tenant, "key")
);

CREATE INDEX ix_idempotency_at ON idempotency (at);

CREATE INDEX ix_queue_due_at_number ON queue (due_at, number) WHERE worker IS NULL;

CREATE INDEX ix_queue_turn ON queue (tenant, (due_at - head_start), number) WHERE worker IS NULL;

CREATE INDEX ix_queue_held ON queue (tenant, slot) WHERE worker IS NOT NULL;

CREATE UNIQUE INDEX uq_queue_singleton ON queue (tenant, singleton) WHERE singleton IS NOT NULL;

CREATE UNIQUE INDEX uq_queue_debounce ON queue (tenant, debounce) WHERE debounce IS NOT NULL;

CREATE TABLE gates (
	tenant TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	most BIGINT NOT NULL, 
	seconds DOUBLE, 
	ends DOUBLE NOT NULL, 
	used BIGINT NOT NULL, 
	stamp BIGINT NOT NULL, 
	seen_at DOUBLE NOT NULL, 
	CONSTRAINT pk_gates PRIMARY KEY (tenant, "key")
);

CREATE INDEX ix_gates_ends ON gates (ends);

CREATE INDEX ix_gates_seen_at ON gates (seen_at);

CREATE TABLE schedules (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	wake_at DOUBLE, 
	due_at DOUBLE, 
	revision BIGINT NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_schedules PRIMARY KEY (id)
);

CREATE INDEX ix_schedules_tenant_created_at_id ON schedules (tenant, created_at, id);

CREATE INDEX ix_schedules_wake_at ON schedules (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE firings (
	schedule TEXT NOT NULL, 
	due BIGINT NOT NULL, 
	tenant TEXT NOT NULL, 
	run TEXT NOT NULL, 
	state TEXT NOT NULL, 
	manual BOOLEAN NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_firings PRIMARY KEY (schedule, due)
);

CREATE TABLE webhooks (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	mask BIGINT NOT NULL, 
	workflow TEXT, 
	revision BIGINT NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_webhooks PRIMARY KEY (id)
);

CREATE INDEX ix_webhooks_tenant_created_at_id ON webhooks (tenant, created_at, id);

CREATE TABLE webhook_deliveries (
	webhook TEXT NOT NULL, 
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	run TEXT NOT NULL, 
	news TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	due_at DOUBLE, 
	tries BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	attempts BLOB NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_webhook_deliveries PRIMARY KEY (webhook, id)
);

CREATE INDEX ix_webhook_deliveries_webhook_created_at_id ON webhook_deliveries (webhook, created_at, id);

CREATE INDEX ix_webhook_deliveries_created_at ON webhook_deliveries (created_at);

CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (webhook, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX ix_runs_ended_at ON runs (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX ix_threads_parent ON threads (parent, created_at, id) WHERE parent IS NOT NULL;

CREATE INDEX ix_threads_session ON threads (session, created_at, id) WHERE session IS NOT NULL;

CREATE INDEX ix_queue_line_number ON queue (line, number);

CREATE UNIQUE INDEX uq_queue_sole ON queue (sole) WHERE sole IS NOT NULL;

CREATE TABLE sessions (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	updated_at DOUBLE NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (id)
);

CREATE INDEX ix_sessions_tenant_created_at_id ON sessions (tenant, created_at, id);

CREATE INDEX ix_sessions_tenant_user_id_created_at_id ON sessions (tenant, user_id, created_at, id);

CREATE TABLE snapshots (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	position BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	expires_at DOUBLE, 
	size_bytes BIGINT NOT NULL, 
	tags TEXT NOT NULL, 
	about BLOB NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_snapshots PRIMARY KEY (id)
);

CREATE INDEX ix_snapshots_thread_created_at_id ON snapshots (thread, created_at, id);

CREATE INDEX ix_snapshots_expires_at ON snapshots (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE items (
	tenant TEXT NOT NULL, 
	namespace TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	updated_at DOUBLE NOT NULL, 
	expires_at DOUBLE, 
	body BLOB NOT NULL, 
	words TEXT NOT NULL, 
	CONSTRAINT pk_items PRIMARY KEY (tenant, namespace, "key")
);

CREATE INDEX ix_items_expires_at ON items (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE blobs (
	tenant TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_blobs PRIMARY KEY (tenant, hash)
);

CREATE TABLE blob_uses (
	tenant TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	CONSTRAINT pk_blob_uses PRIMARY KEY (tenant, hash, thread)
);

CREATE INDEX ix_blob_uses_thread ON blob_uses (thread);

CREATE TABLE registered_tools (
	tenant TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	updated_at DOUBLE NOT NULL, 
	"by" TEXT NOT NULL, 
	document BLOB NOT NULL, 
	CONSTRAINT pk_registered_tools PRIMARY KEY (tenant, name)
);

CREATE TABLE tool_pins (
	server TEXT NOT NULL, 
	tool TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	document BLOB NOT NULL, 
	CONSTRAINT pk_tool_pins PRIMARY KEY (server, tool)
);

CREATE TABLE audit_heads (
	tenant TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_audit_heads PRIMARY KEY (tenant)
);

CREATE TABLE audit (
	tenant TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	at DOUBLE NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	effect TEXT NOT NULL, 
	deed BLOB NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (tenant, number)
);

CREATE TABLE prompt_versions (
	tenant TEXT NOT NULL, 
	name TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	hash TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	document BLOB NOT NULL, 
	CONSTRAINT pk_prompt_versions PRIMARY KEY (tenant, name, number), 
	CONSTRAINT uq_prompt_versions_tenant_name_hash UNIQUE (tenant, name, hash)
);

CREATE TABLE prompt_rollouts (
	tenant TEXT NOT NULL, 
	name TEXT NOT NULL, 
	shares BLOB NOT NULL, 
	CONSTRAINT pk_prompt_rollouts PRIMARY KEY (tenant, name)
);

INSERT INTO alembic_version VALUES ('0013');

