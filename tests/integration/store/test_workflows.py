"""What every registry of workflows promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import ValidationError, VersionTaken, WorkflowNotFound
from domain.ids import ContentHash
from domain.ports.repositories import NewRun
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_run, a_tenant, a_version


async def test_a_published_version_can_be_read_by_name_and_by_hash(store: Store, beside: Store) -> None:
    version = a_version(a_tenant(), "triage")

    assert await store.workflows.publish(version) == (version, True)

    for where in (store, beside):
        assert await where.workflows.get(version.tenant, "triage", "1.0.0") == version
        assert await where.workflows.get(version.tenant, "triage") == version
        assert await where.workflows.by_hash(version.tenant, version.metadata.id) == version


async def test_the_document_comes_back_with_its_keys_in_order(store: Store) -> None:
    made = a_version(a_tenant(), "triage")
    version = replace(made, document={**made.document, "zeta": 1, "alpha": {"y": [1, 2.5, None, "é"], "x": True}})
    await store.workflows.publish(version)

    document = (await store.workflows.get(version.tenant, "triage")).document

    assert document == version.document
    assert list(document) == list(version.document)


async def test_publishing_the_same_content_again_changes_nothing(store: Store) -> None:
    version = a_version(a_tenant(), "triage")
    await store.workflows.publish(version)
    again = replace(version, metadata=replace(version.metadata, description="other words"))

    assert await store.workflows.publish(again) == (version, False)


async def test_another_content_under_a_used_version_is_refused(store: Store) -> None:
    version = a_version(a_tenant(), "triage")
    await store.workflows.publish(version)

    with pytest.raises(VersionTaken):
        await store.workflows.publish(a_version(version.tenant, "triage", says="something else"))

    assert await store.workflows.get(version.tenant, "triage") == version


async def test_of_the_same_content_published_many_times_at_once_one_is_new(store: Store, beside: Store) -> None:
    version = a_version(a_tenant(), "triage")

    outcomes = await asyncio.gather(*(where.workflows.publish(version) for where in [store, beside] * 4))

    assert sorted(fresh for _, fresh in outcomes) == [False] * 7 + [True]
    assert all(kept == version for kept, _ in outcomes)


async def test_of_two_contents_published_at_once_one_wins_and_the_other_sees_it(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    rivals = [a_version(tenant, "triage", says=f"number {n}") for n in range(6)]

    outcomes = await asyncio.gather(
        *((store, beside)[n % 2].workflows.publish(rival) for n, rival in enumerate(rivals)), return_exceptions=True
    )

    (won,) = [outcome[0] for outcome in outcomes if isinstance(outcome, tuple)]
    assert sum(isinstance(outcome, VersionTaken) for outcome in outcomes) == 5
    assert await store.workflows.get(tenant, "triage") == won


async def test_without_a_version_the_highest_is_meant_and_numbers_are_not_words(store: Store) -> None:
    tenant = a_tenant()
    ordered = ["1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.2.0", "1.10.0", "2.0.0-alpha"]
    for version in ("1.10.0", "1.0.0-rc.10", "1.2.0", "2.0.0-alpha", "1.0.0", "1.0.0-rc.2"):
        await store.workflows.publish(a_version(tenant, "triage", version))

    listed = [metadata.version for metadata in await store.workflows.versions(tenant, "triage")]

    assert listed == ordered[::-1]
    assert (await store.workflows.get(tenant, "triage")).metadata.version == "2.0.0-alpha"


async def test_a_list_shows_the_highest_version_of_each_name_by_name(store: Store) -> None:
    tenant = a_tenant()
    for name in ("delta", "alpha", "charlie", "bravo"):
        await store.workflows.publish(a_version(tenant, name, "1.9.0"))
        await store.workflows.publish(a_version(tenant, name, "1.10.0"))
    await store.workflows.publish(a_version(a_tenant(), "of-another-tenant"))

    first = await store.workflows.list(tenant, 3, None)
    second = await store.workflows.list(tenant, 3, first.next_cursor)

    shown = [(metadata.name, metadata.version) for metadata in (*first.items, *second.items)]
    assert shown == [(name, "1.10.0") for name in ("alpha", "bravo", "charlie", "delta")]
    assert (len(first.items), second.next_cursor) == (3, None)


async def test_an_unknown_workflow_is_answered_with_up_to_ten_known_ones(store: Store) -> None:
    tenant = a_tenant()
    for number in range(12):
        await store.workflows.publish(a_version(tenant, f"flow-{number:02}"))

    with pytest.raises(WorkflowNotFound) as missing:
        await store.workflows.get(tenant, "floww")

    assert missing.value.message.count("flow-") == 10


async def test_an_unknown_version_is_answered_with_the_known_ones(store: Store) -> None:
    version = a_version(a_tenant(), "triage", "1.4.2")
    await store.workflows.publish(version)

    with pytest.raises(WorkflowNotFound, match=r"1\.4\.2"):
        await store.workflows.get(version.tenant, "triage", "9.9.9")


async def test_what_another_process_publishes_is_the_newest_at_once(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    for number in (9, 10, 11):
        version = a_version(tenant, "triage", f"1.{number}.0")
        await beside.workflows.publish(version)

        assert await store.workflows.get(tenant, "triage") == version


async def test_who_asks_after_a_publish_finds_it_however_many_ask_at_once(store: Store) -> None:
    tenant, done = a_tenant(), asyncio.Event()
    await store.workflows.publish(a_version(tenant, "triage", "1.0.0"))

    async def keep_asking() -> None:
        while not done.is_set():
            await store.workflows.get(tenant, "triage")
            await asyncio.sleep(0)  # some stores answer without giving others a turn

    async with asyncio.TaskGroup() as askers:
        for _ in range(10):
            askers.create_task(keep_asking())
        for number in range(1, 20):
            await store.workflows.publish(version := a_version(tenant, "triage", f"1.{number}.0"))
            found = await asyncio.gather(*(store.workflows.get(tenant, "triage") for _ in range(5)))
            assert found == [version] * 5
        done.set()


async def test_who_stops_asking_takes_the_answer_from_nobody_else(store: Store) -> None:
    version = a_version(a_tenant(), "triage")
    await store.workflows.publish(version)
    askers = [asyncio.create_task(store.workflows.get(version.tenant, "triage")) for _ in range(5)]
    await asyncio.sleep(0)  # all of them have asked

    askers[0].cancel()

    assert await asyncio.gather(*askers[1:]) == [version] * 4


async def test_more_versions_than_are_remembered_are_all_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.store.finding.REMEMBERED", 3)
    tenant = a_tenant()
    versions = [a_version(tenant, f"flow-{number}") for number in range(8)]
    for version in versions:
        await store.workflows.publish(version)

    for version in [*versions, *versions]:
        assert await store.workflows.get(tenant, version.metadata.name) == version
        assert await store.workflows.by_hash(tenant, version.metadata.id) == version


async def test_a_version_that_a_run_brought_before_it_was_published_is_read_with_its_own_times(store: Store, beside: Store) -> None:
    brought = a_version(a_tenant(), "triage")
    await store.runs.start(NewRun(a_run(brought.tenant), embedded=brought))
    assert await store.workflows.by_hash(brought.tenant, brought.metadata.id) == brought
    later = replace(brought, metadata=replace(brought.metadata, created_at=NOON + timedelta(days=1), updated_at=NOON + timedelta(days=2)))

    await beside.workflows.publish(later)

    assert await store.workflows.get(brought.tenant, "triage") == later
    assert await store.workflows.get(brought.tenant, "triage", "1.0.0") == later


async def test_another_tenants_workflow_does_not_exist(store: Store) -> None:
    version = a_version(a_tenant(), "secret-name")
    await store.workflows.publish(version)
    stranger = a_tenant()

    with pytest.raises(WorkflowNotFound) as by_name:
        await store.workflows.get(stranger, "secret-nam")
    with pytest.raises(WorkflowNotFound):
        await store.workflows.get(stranger, "secret-name", "1.0.0")
    with pytest.raises(WorkflowNotFound):
        await store.workflows.by_hash(stranger, version.metadata.id)
    with pytest.raises(WorkflowNotFound):
        await store.workflows.versions(stranger, "secret-name")

    assert "secret-name" not in by_name.value.message
    assert not (await store.workflows.list(stranger, 10, None)).items


async def test_two_tenants_may_publish_the_same_name_and_content(store: Store) -> None:
    mine, theirs = a_version(a_tenant(), "triage"), a_version(a_tenant(), "triage")

    assert (await store.workflows.publish(mine))[1]
    assert (await store.workflows.publish(theirs))[1]
    assert await store.workflows.by_hash(theirs.tenant, theirs.metadata.id) == theirs


async def test_an_unknown_hash_is_not_found(store: Store) -> None:
    with pytest.raises(WorkflowNotFound):
        await store.workflows.by_hash(a_tenant(), ContentHash("0" * 64))


async def test_a_cursor_that_is_not_ours_is_refused(store: Store) -> None:
    with pytest.raises(ValidationError):
        await store.workflows.list(a_tenant(), 10, "nonsense")
