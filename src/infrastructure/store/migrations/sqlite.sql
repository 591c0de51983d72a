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
	estimated BOOLEAN NOT NULL, state TEXT DEFAULT 'counted' NOT NULL, node TEXT DEFAULT '' NOT NULL, prompt TEXT DEFAULT '' NOT NULL, session TEXT DEFAULT '' NOT NULL, user_id TEXT DEFAULT '' NOT NULL, cached_tokens BIGINT DEFAULT '0' NOT NULL, reasoning_tokens BIGINT DEFAULT '0' NOT NULL, day BIGINT DEFAULT '0' NOT NULL, cost_whole BIGINT DEFAULT '0' NOT NULL, cost_nano BIGINT DEFAULT '0' NOT NULL, cost_atto BIGINT DEFAULT '0' NOT NULL, at DOUBLE DEFAULT '0' NOT NULL, 
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

CREATE TABLE usage_days (
	tenant TEXT NOT NULL, 
	day BIGINT NOT NULL, 
	workflow TEXT NOT NULL, 
	node TEXT NOT NULL, 
	model TEXT NOT NULL, 
	prompt TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	shard BIGINT NOT NULL, 
	calls BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	reasoning_tokens BIGINT NOT NULL, 
	unknown BIGINT NOT NULL, 
	estimated BIGINT NOT NULL, 
	cost_whole BIGINT NOT NULL, 
	cost_nano BIGINT NOT NULL, 
	cost_atto BIGINT NOT NULL, 
	CONSTRAINT pk_usage_days PRIMARY KEY (tenant, day, workflow, node, model, prompt, currency, shard)
)
 WITHOUT ROWID;

CREATE TABLE usage_sessions (
	tenant TEXT NOT NULL, 
	day BIGINT NOT NULL, 
	workflow TEXT NOT NULL, 
	node TEXT NOT NULL, 
	model TEXT NOT NULL, 
	prompt TEXT NOT NULL, 
	session TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	shard BIGINT NOT NULL, 
	calls BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	reasoning_tokens BIGINT NOT NULL, 
	unknown BIGINT NOT NULL, 
	estimated BIGINT NOT NULL, 
	cost_whole BIGINT NOT NULL, 
	cost_nano BIGINT NOT NULL, 
	cost_atto BIGINT NOT NULL, 
	CONSTRAINT pk_usage_sessions PRIMARY KEY (tenant, day, workflow, node, model, prompt, session, user_id, currency, shard)
)
 WITHOUT ROWID;

CREATE TRIGGER usage_entered AFTER INSERT ON usage WHEN new.state IN ('counted', 'unknown') BEGIN
INSERT INTO usage_days (tenant, day, workflow, node, model, prompt, currency, shard, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, unknown, estimated, cost_whole, cost_nano, cost_atto)
        SELECT tenant, day, workflow, node, model, prompt, currency, 0, sum(calls), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(unknown), sum(estimated), sum(cost_whole), sum(cost_nano), sum(cost_atto) FROM (SELECT new.tenant AS tenant, new.day AS day, new.workflow AS workflow, new.node AS node, new.model AS model, new.prompt AS prompt, new.session AS session, new.user_id AS user_id, coalesce(new.currency, '') AS currency, (1) AS calls, (new.prompt_tokens) AS prompt_tokens, (new.completion_tokens) AS completion_tokens, (new.cached_tokens) AS cached_tokens, (new.reasoning_tokens) AS reasoning_tokens, (CASE WHEN new.state = 'unknown' THEN 1 ELSE 0 END) AS unknown, (CASE WHEN new.estimated THEN 1 ELSE 0 END) AS estimated, (new.cost_whole) AS cost_whole, (new.cost_nano) AS cost_nano, (new.cost_atto) AS cost_atto WHERE new.state IN ('counted', 'unknown')) AS moved WHERE true GROUP BY tenant, day, workflow, node, model, prompt, currency
        ON CONFLICT (tenant, day, workflow, node, model, prompt, currency, shard) DO UPDATE SET calls = usage_days.calls + excluded.calls, prompt_tokens = usage_days.prompt_tokens + excluded.prompt_tokens, completion_tokens = usage_days.completion_tokens + excluded.completion_tokens, cached_tokens = usage_days.cached_tokens + excluded.cached_tokens, reasoning_tokens = usage_days.reasoning_tokens + excluded.reasoning_tokens, unknown = usage_days.unknown + excluded.unknown, estimated = usage_days.estimated + excluded.estimated, cost_whole = usage_days.cost_whole + excluded.cost_whole, cost_nano = usage_days.cost_nano + excluded.cost_nano, cost_atto = usage_days.cost_atto + excluded.cost_atto;
INSERT INTO usage_sessions (tenant, day, workflow, node, model, prompt, session, user_id, currency, shard, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, unknown, estimated, cost_whole, cost_nano, cost_atto)
        SELECT tenant, day, workflow, node, model, prompt, session, user_id, currency, 0, sum(calls), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(unknown), sum(estimated), sum(cost_whole), sum(cost_nano), sum(cost_atto) FROM (SELECT new.tenant AS tenant, new.day AS day, new.workflow AS workflow, new.node AS node, new.model AS model, new.prompt AS prompt, new.session AS session, new.user_id AS user_id, coalesce(new.currency, '') AS currency, (1) AS calls, (new.prompt_tokens) AS prompt_tokens, (new.completion_tokens) AS completion_tokens, (new.cached_tokens) AS cached_tokens, (new.reasoning_tokens) AS reasoning_tokens, (CASE WHEN new.state = 'unknown' THEN 1 ELSE 0 END) AS unknown, (CASE WHEN new.estimated THEN 1 ELSE 0 END) AS estimated, (new.cost_whole) AS cost_whole, (new.cost_nano) AS cost_nano, (new.cost_atto) AS cost_atto WHERE new.state IN ('counted', 'unknown')) AS moved WHERE true GROUP BY tenant, day, workflow, node, model, prompt, session, user_id, currency
        ON CONFLICT (tenant, day, workflow, node, model, prompt, session, user_id, currency, shard) DO UPDATE SET calls = usage_sessions.calls + excluded.calls, prompt_tokens = usage_sessions.prompt_tokens + excluded.prompt_tokens, completion_tokens = usage_sessions.completion_tokens + excluded.completion_tokens, cached_tokens = usage_sessions.cached_tokens + excluded.cached_tokens, reasoning_tokens = usage_sessions.reasoning_tokens + excluded.reasoning_tokens, unknown = usage_sessions.unknown + excluded.unknown, estimated = usage_sessions.estimated + excluded.estimated, cost_whole = usage_sessions.cost_whole + excluded.cost_whole, cost_nano = usage_sessions.cost_nano + excluded.cost_nano, cost_atto = usage_sessions.cost_atto + excluded.cost_atto;
END;

CREATE TRIGGER usage_settled AFTER UPDATE ON usage WHEN old.state IN ('counted', 'unknown') OR new.state IN ('counted', 'unknown') BEGIN
INSERT INTO usage_days (tenant, day, workflow, node, model, prompt, currency, shard, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, unknown, estimated, cost_whole, cost_nano, cost_atto)
        SELECT tenant, day, workflow, node, model, prompt, currency, 0, sum(calls), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(unknown), sum(estimated), sum(cost_whole), sum(cost_nano), sum(cost_atto) FROM (SELECT old.tenant AS tenant, old.day AS day, old.workflow AS workflow, old.node AS node, old.model AS model, old.prompt AS prompt, old.session AS session, old.user_id AS user_id, coalesce(old.currency, '') AS currency, -(1) AS calls, -(old.prompt_tokens) AS prompt_tokens, -(old.completion_tokens) AS completion_tokens, -(old.cached_tokens) AS cached_tokens, -(old.reasoning_tokens) AS reasoning_tokens, -(CASE WHEN old.state = 'unknown' THEN 1 ELSE 0 END) AS unknown, -(CASE WHEN old.estimated THEN 1 ELSE 0 END) AS estimated, -(old.cost_whole) AS cost_whole, -(old.cost_nano) AS cost_nano, -(old.cost_atto) AS cost_atto WHERE old.state IN ('counted', 'unknown') UNION ALL SELECT new.tenant AS tenant, new.day AS day, new.workflow AS workflow, new.node AS node, new.model AS model, new.prompt AS prompt, new.session AS session, new.user_id AS user_id, coalesce(new.currency, '') AS currency, (1) AS calls, (new.prompt_tokens) AS prompt_tokens, (new.completion_tokens) AS completion_tokens, (new.cached_tokens) AS cached_tokens, (new.reasoning_tokens) AS reasoning_tokens, (CASE WHEN new.state = 'unknown' THEN 1 ELSE 0 END) AS unknown, (CASE WHEN new.estimated THEN 1 ELSE 0 END) AS estimated, (new.cost_whole) AS cost_whole, (new.cost_nano) AS cost_nano, (new.cost_atto) AS cost_atto WHERE new.state IN ('counted', 'unknown')) AS moved WHERE true GROUP BY tenant, day, workflow, node, model, prompt, currency
        ON CONFLICT (tenant, day, workflow, node, model, prompt, currency, shard) DO UPDATE SET calls = usage_days.calls + excluded.calls, prompt_tokens = usage_days.prompt_tokens + excluded.prompt_tokens, completion_tokens = usage_days.completion_tokens + excluded.completion_tokens, cached_tokens = usage_days.cached_tokens + excluded.cached_tokens, reasoning_tokens = usage_days.reasoning_tokens + excluded.reasoning_tokens, unknown = usage_days.unknown + excluded.unknown, estimated = usage_days.estimated + excluded.estimated, cost_whole = usage_days.cost_whole + excluded.cost_whole, cost_nano = usage_days.cost_nano + excluded.cost_nano, cost_atto = usage_days.cost_atto + excluded.cost_atto;
INSERT INTO usage_sessions (tenant, day, workflow, node, model, prompt, session, user_id, currency, shard, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, unknown, estimated, cost_whole, cost_nano, cost_atto)
        SELECT tenant, day, workflow, node, model, prompt, session, user_id, currency, 0, sum(calls), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(unknown), sum(estimated), sum(cost_whole), sum(cost_nano), sum(cost_atto) FROM (SELECT old.tenant AS tenant, old.day AS day, old.workflow AS workflow, old.node AS node, old.model AS model, old.prompt AS prompt, old.session AS session, old.user_id AS user_id, coalesce(old.currency, '') AS currency, -(1) AS calls, -(old.prompt_tokens) AS prompt_tokens, -(old.completion_tokens) AS completion_tokens, -(old.cached_tokens) AS cached_tokens, -(old.reasoning_tokens) AS reasoning_tokens, -(CASE WHEN old.state = 'unknown' THEN 1 ELSE 0 END) AS unknown, -(CASE WHEN old.estimated THEN 1 ELSE 0 END) AS estimated, -(old.cost_whole) AS cost_whole, -(old.cost_nano) AS cost_nano, -(old.cost_atto) AS cost_atto WHERE old.state IN ('counted', 'unknown') UNION ALL SELECT new.tenant AS tenant, new.day AS day, new.workflow AS workflow, new.node AS node, new.model AS model, new.prompt AS prompt, new.session AS session, new.user_id AS user_id, coalesce(new.currency, '') AS currency, (1) AS calls, (new.prompt_tokens) AS prompt_tokens, (new.completion_tokens) AS completion_tokens, (new.cached_tokens) AS cached_tokens, (new.reasoning_tokens) AS reasoning_tokens, (CASE WHEN new.state = 'unknown' THEN 1 ELSE 0 END) AS unknown, (CASE WHEN new.estimated THEN 1 ELSE 0 END) AS estimated, (new.cost_whole) AS cost_whole, (new.cost_nano) AS cost_nano, (new.cost_atto) AS cost_atto WHERE new.state IN ('counted', 'unknown')) AS moved WHERE true GROUP BY tenant, day, workflow, node, model, prompt, session, user_id, currency
        ON CONFLICT (tenant, day, workflow, node, model, prompt, session, user_id, currency, shard) DO UPDATE SET calls = usage_sessions.calls + excluded.calls, prompt_tokens = usage_sessions.prompt_tokens + excluded.prompt_tokens, completion_tokens = usage_sessions.completion_tokens + excluded.completion_tokens, cached_tokens = usage_sessions.cached_tokens + excluded.cached_tokens, reasoning_tokens = usage_sessions.reasoning_tokens + excluded.reasoning_tokens, unknown = usage_sessions.unknown + excluded.unknown, estimated = usage_sessions.estimated + excluded.estimated, cost_whole = usage_sessions.cost_whole + excluded.cost_whole, cost_nano = usage_sessions.cost_nano + excluded.cost_nano, cost_atto = usage_sessions.cost_atto + excluded.cost_atto;
END;

CREATE INDEX ix_usage_tenant_at ON usage (tenant, at);

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

CREATE TABLE budgets (
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	most TEXT NOT NULL, 
	unit TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_budgets PRIMARY KEY (id), 
	CONSTRAINT uq_budgets_tenant_name UNIQUE (tenant, name)
);

CREATE TABLE budget_accounts (
	budget TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	period TEXT NOT NULL, 
	taken TEXT NOT NULL, 
	alerted BIGINT NOT NULL, 
	refused BOOLEAN NOT NULL, 
	wanted_at DOUBLE NOT NULL, 
	waits_since DOUBLE, 
	awake BOOLEAN NOT NULL, 
	CONSTRAINT pk_budget_accounts PRIMARY KEY (budget, subject, period)
);

CREATE INDEX ix_budget_accounts_awake ON budget_accounts (budget, subject, period) WHERE awake;

CREATE TABLE budget_blocks (
	id TEXT NOT NULL, 
	budget TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	period TEXT NOT NULL, 
	granted TEXT NOT NULL, 
	used TEXT NOT NULL, 
	reserved TEXT NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	closed BOOLEAN NOT NULL, 
	CONSTRAINT pk_budget_blocks PRIMARY KEY (id)
);

CREATE INDEX ix_budget_blocks_open ON budget_blocks (budget, subject, period) WHERE NOT closed;

CREATE INDEX ix_budget_blocks_closed ON budget_blocks (expires_at) WHERE closed;

CREATE TABLE history (
	tenant TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	run TEXT, 
	session TEXT, 
	user_id TEXT, 
	model TEXT NOT NULL, 
	words TEXT NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_history PRIMARY KEY (tenant, at, id)
);

CREATE INDEX ix_history_tenant_type_at_id ON history (tenant, type, at, id);

CREATE INDEX ix_history_run ON history (tenant, run, at, id) WHERE run IS NOT NULL;

CREATE INDEX ix_history_session ON history (tenant, session, at, id) WHERE session IS NOT NULL;

CREATE INDEX ix_history_model ON history (tenant, model, at, id);

CREATE INDEX ix_history_at ON history (at);

CREATE INDEX ix_usage_model ON usage (tenant, model, at);

CREATE INDEX ix_usage_session ON usage (tenant, session, at) WHERE session <> '';

CREATE INDEX ix_runs_tenant_ended_at ON runs (tenant, ended_at, id) WHERE ended_at IS NOT NULL;

CREATE TABLE model_lanes (
	name TEXT NOT NULL, 
	written TEXT NOT NULL, 
	CONSTRAINT pk_model_lanes PRIMARY KEY (name)
);

INSERT INTO alembic_version VALUES ('0013');

