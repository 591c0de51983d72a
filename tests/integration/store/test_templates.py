"""What every shelf of templates promises."""

from dataclasses import replace

import pytest

from domain.errors import TemplateNotFound, ValidationError
from domain.ids import TenantId
from domain.workflow import TemplateParameter, WorkflowTemplate
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant


def a_template(tenant: TenantId, name: str = "triage") -> WorkflowTemplate:
    holes = (
        TemplateParameter("model", {"type": "string"}, "fast", required=False),
        TemplateParameter("queue", {"type": "string", "minLength": 1}),
    )
    return WorkflowTemplate(tenant, name, "é: sorts mail", holes, {"name": "{{queue}}", "nodes": {"a": {"model": "{{model}}"}}}, NOON)


async def test_a_template_can_be_read_as_it_was_put(store: Store, beside: Store) -> None:
    template = a_template(a_tenant())

    assert await store.templates.put(template) is True

    assert await store.templates.get(template.tenant, "triage") == template
    assert await beside.templates.get(template.tenant, "triage") == template


async def test_a_template_put_again_replaces_the_old_one(store: Store) -> None:
    template = a_template(a_tenant())
    await store.templates.put(template)
    newer = replace(template, description="newer", parameters=(), document={"name": "fixed"})

    assert await store.templates.put(newer) is False

    assert await store.templates.get(template.tenant, "triage") == newer


async def test_templates_are_listed_by_name_in_pages(store: Store) -> None:
    tenant = a_tenant()
    for name in ("c", "a", "e", "b", "d"):
        await store.templates.put(a_template(tenant, name))
    await store.templates.put(a_template(a_tenant(), "not-ours"))

    first = await store.templates.list(tenant, 2, None)
    second = await store.templates.list(tenant, 2, first.next_cursor)
    third = await store.templates.list(tenant, 2, second.next_cursor)

    assert [[template.name for template in page.items] for page in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
    assert third.next_cursor is None
    assert first.items[0] == a_template(tenant, "a")


async def test_another_tenants_template_does_not_exist(store: Store) -> None:
    template = a_template(a_tenant())
    await store.templates.put(template)
    stranger = a_tenant()

    with pytest.raises(TemplateNotFound):
        await store.templates.get(stranger, "triage")

    assert await store.templates.put(a_template(stranger)) is True
    assert await store.templates.get(template.tenant, "triage") == template


async def test_a_cursor_that_is_not_ours_is_refused(store: Store) -> None:
    with pytest.raises(ValidationError):
        await store.templates.list(a_tenant(), 10, "nonsense")
