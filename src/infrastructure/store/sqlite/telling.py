"""What webhooks are told of an append, written in the append's own transaction."""

import sqlite3
from collections.abc import Iterable

from infrastructure.store.batch import Group
from infrastructure.store.rows import seconds
from infrastructure.store.telling import told_with_bodies

_SOMEBODY = "SELECT 1 FROM webhooks WHERE enabled LIMIT 1"
_LISTENERS = "SELECT 1 FROM webhooks WHERE tenant = ? AND enabled LIMIT 1"
_TELL = """INSERT INTO webhook_deliveries (id, webhook, tenant, run, news, state, created_at, due_at, tries, revision, attempts, body)
    SELECT ?1, id, tenant, ?2, ?3, 'pending', ?4, ?4, 0, 0, '[]', ?5 FROM webhooks
    WHERE tenant = ?6 AND enabled AND mask & ?7 <> 0 AND (workflow IS NULL OR workflow = ?8) ON CONFLICT DO NOTHING"""


def tell(connection: sqlite3.Connection, groups: Iterable[Group]) -> None:
    """A look at an empty table, where nobody listens."""
    changed = [group for group in groups if group.has_news]
    if not changed or connection.execute(_SOMEBODY).fetchone() is None:
        return
    for group in changed:
        if connection.execute(_LISTENERS, (group.tenant,)).fetchone() is not None:
            _tell_group(connection, group)


def _tell_group(connection: sqlite3.Connection, group: Group) -> None:
    at = seconds(group.at)
    for unit in group.units:
        for one, body in told_with_bodies(unit.append, group.at):
            values = (one.id, group.run, one.news.value, at, body, group.tenant, one.news.bit, one.workflow)
            connection.execute(_TELL, values)
