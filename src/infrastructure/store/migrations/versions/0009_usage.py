"""What calls used, rolled up by day: triggers keep the sums, whoever writes the lines."""

# ruff: noqa: S608 - statements are put together from names that stand in this file

from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SHARDS = 4
_LOCK = 0x75736564  # "used"
_CHARGED = "IN ('counted', 'unknown')"
_COUNTS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
_COST = ("cost_whole", "cost_nano", "cost_atto")
_MEASURES = ("calls", *_COUNTS, "unknown", "estimated", *_COST)
_NEW = ("cached_tokens", "reasoning_tokens", "day", *_COST)
_TABLES = {
    "usage_days": ("workflow", "node", "model", "prompt"),
    "usage_sessions": ("workflow", "node", "model", "prompt", "session", "user_id"),
}


def upgrade() -> None:
    for column in ("node", "prompt", "session", "user_id"):
        op.add_column("usage", sa.Column(column, NAME, nullable=False, server_default=""))
    for column in _NEW:
        op.add_column("usage", sa.Column(column, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("usage", sa.Column("at", sa.Double, nullable=False, server_default="0"))
    for table, aspects in _TABLES.items():
        _make_sums(table, aspects)
    if op.get_bind().dialect.name == "sqlite":
        _fill_old_lines_on_sqlite()
        _watch_on_sqlite()
    else:
        _fill_old_lines_on_postgres()
        _watch_on_postgres()
    for table, aspects in _TABLES.items():
        op.execute(_roll_up(table, aspects, f"SELECT {_lines('u')} FROM usage u WHERE u.state {_CHARGED}", "0"))
    op.create_index("ix_usage_tenant_at", "usage", ["tenant", "at"])


def downgrade() -> None:
    op.drop_index("ix_usage_tenant_at", "usage")
    for name in ("usage_entered", "usage_settled"):
        op.execute(f"DROP TRIGGER {name}" + ("" if op.get_bind().dialect.name == "sqlite" else " ON usage"))
    if op.get_bind().dialect.name != "sqlite":
        for name in ("usage_entered", "usage_settled", "usage_shard"):
            op.execute(f"DROP FUNCTION {name}()")
    for table in _TABLES:
        op.drop_table(table)
    for column in ("node", "prompt", "session", "user_id", *_NEW, "at"):
        op.drop_column("usage", column)


def _make_sums(table: str, aspects: tuple[str, ...]) -> None:
    key = ("tenant", "day", *aspects, "currency", "shard")
    op.create_table(
        table,
        *(sa.Column(name, sa.BigInteger if name in ("day", "shard") else NAME, nullable=False, autoincrement=False) for name in key),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _MEASURES),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


def _lines(row: str, sign: str = "") -> str:
    """What a line adds to every sum, or with a `-` takes away from it."""
    number = "CASE WHEN {}.{} THEN 1 ELSE 0 END"
    values = {
        "calls": "1",
        **{name: f"{row}.{name}" for name in (*_COUNTS, *_COST)},
        "unknown": f"CASE WHEN {row}.state = 'unknown' THEN 1 ELSE 0 END",
        "estimated": number.format(row, "estimated"),
    }
    told = ["tenant", "day", *_TABLES["usage_sessions"]]
    about = [*(f"{row}.{name} AS {name}" for name in told), f"coalesce({row}.currency, '') AS currency"]
    return ", ".join([*about, *(f"{sign}({values[name]}) AS {name}" for name in _MEASURES)])


def _roll_up(table: str, aspects: tuple[str, ...], lines: str, shard: str) -> str:
    key = ", ".join(("tenant", "day", *aspects, "currency"))
    sums = ", ".join(f"sum({name})" for name in _MEASURES)
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _MEASURES)
    # WHERE: without one SQLite takes ON for a join's.
    return f"""INSERT INTO {table} ({key}, shard, {", ".join(_MEASURES)})
        SELECT {key}, {shard}, {sums} FROM ({lines}) AS moved WHERE true GROUP BY {key}
        ON CONFLICT ({key}, shard) DO UPDATE SET {added}"""


def _watch_on_sqlite() -> None:
    """One writer at a time: one shard."""
    gone, come = f"SELECT {_lines('old', '-')} WHERE old.state {_CHARGED}", f"SELECT {_lines('new')} WHERE new.state {_CHARGED}"
    _trigger("usage_entered", f"INSERT ON usage WHEN new.state {_CHARGED}", come)
    _trigger("usage_settled", f"UPDATE ON usage WHEN old.state {_CHARGED} OR new.state {_CHARGED}", f"{gone} UNION ALL {come}")


def _trigger(name: str, event: str, lines: str) -> None:
    body = ";\n".join(_roll_up(table, aspects, lines, "0") for table, aspects in _TABLES.items())
    op.execute(f"CREATE TRIGGER {name} AFTER {event} BEGIN\n{body};\nEND")


def _watch_on_postgres() -> None:
    """Whoever writes takes a shard that nobody else writes to until it commits: so nobody waits for anybody's sums, and none deadlock."""
    op.execute(f"""CREATE FUNCTION usage_shard() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            own CONSTANT integer := pg_backend_pid() % {SHARDS};
        BEGIN
            FOR step IN 0..{SHARDS - 1} LOOP
                IF pg_try_advisory_xact_lock({_LOCK}, (own + step) % {SHARDS}) THEN
                    RETURN (own + step) % {SHARDS};
                END IF;
            END LOOP;
            PERFORM pg_advisory_xact_lock({_LOCK}, own);
            RETURN own;
        END $$""")
    come = f"SELECT {_lines('n')} FROM come n WHERE n.state {_CHARGED}"
    gone = f"SELECT {_lines('o', '-')} FROM gone o WHERE o.state {_CHARGED}"
    _function("usage_entered", f"SELECT FROM come WHERE state {_CHARGED}", come)
    _function("usage_settled", f"SELECT FROM come WHERE state {_CHARGED}", f"{gone} UNION ALL {come}")
    op.execute("""CREATE TRIGGER usage_entered AFTER INSERT ON usage REFERENCING NEW TABLE AS come
        FOR EACH STATEMENT EXECUTE FUNCTION usage_entered()""")
    op.execute("""CREATE TRIGGER usage_settled AFTER UPDATE ON usage REFERENCING OLD TABLE AS gone NEW TABLE AS come
        FOR EACH STATEMENT EXECUTE FUNCTION usage_settled()""")


def _function(name: str, charged: str, lines: str) -> None:
    """A charged line never becomes one that is not, so that where none is among the new ones there is nothing to do."""
    days, sessions = (_roll_up(table, aspects, lines, "mine") for table, aspects in _TABLES.items())
    op.execute(f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        #variable_conflict use_column
        DECLARE
            mine bigint;
        BEGIN
            IF NOT EXISTS ({charged}) THEN
                RETURN NULL;
            END IF;
            mine := usage_shard();
            {days};
            {sessions};
            RETURN NULL;
        END $$""")


def _fill_old_lines_on_postgres() -> None:
    op.execute(r"""UPDATE usage u SET
        node = regexp_replace(u.activation, '^.*/([^/#]*)#.*$', '\1'),
        at = coalesce(r.ended_at, r.started_at, r.created_at, 0), day = floor(coalesce(r.ended_at, r.started_at, r.created_at, 0) / 86400),
        session = coalesce(t.session, ''), user_id = coalesce(s.user_id, ''),
        cost_whole = coalesce(floor(u.cost::numeric), 0), cost_nano = coalesce(floor(mod(u.cost::numeric * 1e9, 1e9)), 0),
        cost_atto = coalesce(floor(mod(u.cost::numeric * 1e18, 1e9)), 0)
        FROM usage v LEFT JOIN runs r ON r.id = v.run LEFT JOIN threads t ON t.id = v.thread LEFT JOIN sessions s ON s.id = t.session
        WHERE v.number = u.number""")


def _fill_old_lines_on_sqlite() -> None:
    connection = op.get_bind()
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.create_function("weft_node", 1, _node, deterministic=True)
    driver.create_function("weft_part", 2, _part, deterministic=True)
    when = "coalesce(r.ended_at, r.started_at, r.created_at, 0)"
    op.execute(f"""UPDATE usage SET node = weft_node(activation), (at, day, session, user_id) = (
            SELECT {when}, CAST({when} / 86400 AS INTEGER), coalesce(t.session, ''), coalesce(s.user_id, '')
            FROM (SELECT 1) LEFT JOIN runs r ON r.id = usage.run LEFT JOIN threads t ON t.id = usage.thread
            LEFT JOIN sessions s ON s.id = t.session),
        cost_whole = weft_part(cost, 0), cost_nano = weft_part(cost, 1), cost_atto = weft_part(cost, 2)""")


def _node(activation: str) -> str:
    return activation.rpartition("/")[2].partition("#")[0]


def _part(cost: str | None, part: int) -> int:
    whole, rest = divmod(int(Decimal(cost or 0).scaleb(18)), 10**18)
    return (whole, *divmod(rest, 10**9))[part]
