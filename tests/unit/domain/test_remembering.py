"""Whose an item is, and what may be remembered and asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.acting import Acting
from domain.errors import DocumentTooLarge, ScopeMissing, ValidationError
from domain.ids import DEFAULT_TENANT, SessionId
from domain.item import VALUE_BYTES, Comparison, Condition
from domain.json import Json, JsonObject
from domain.remembering import LONGEST_TTL, MOST_CONDITIONS, ItemScope, Standpoint, an_item, as_name, conditions_of, place_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IN_A_SESSION = Standpoint("triage", Acting(SessionId("s1"), "ann/b", None))


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (ItemScope.SESSION, ("session", "s1", "notes")),
        (ItemScope.USER, ("user", "ann%2Fb", "notes")),
        (ItemScope.WORKFLOW, ("workflow", "triage", "notes")),
        (ItemScope.TENANT, ("tenant", "notes")),
    ],
)
def test_a_scope_begins_its_namespaces(scope: ItemScope, names: tuple[str, ...]) -> None:
    assert IN_A_SESSION.namespace(scope, ("notes",)) == names


@pytest.mark.parametrize(
    ("scope", "standpoint"),
    [(ItemScope.SESSION, Standpoint("triage")), (ItemScope.USER, Standpoint("triage")), (ItemScope.WORKFLOW, Standpoint())],
)
def test_a_scope_that_is_nobodys_is_refused(scope: ItemScope, standpoint: Standpoint) -> None:
    with pytest.raises(ScopeMissing, match="say scope"):
        standpoint.namespace(scope)


@pytest.mark.parametrize(
    ("text", "name"), [("ann@x.org", "ann@x.org"), ("a/b%", "a%2Fb%25"), ("..", "%2E%2E"), ("a\nb", "a%0Ab"), ("é", "é")]
)
def test_any_text_becomes_a_name(text: str, name: str) -> None:
    assert as_name(text) == name


@pytest.mark.parametrize("path", ["", "key", "/key", "a//key", "a/", "/".join("abcdefghijkl"), "a/.."])
def test_a_path_that_names_no_item_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        place_of(path)


def test_a_path_is_a_namespace_and_a_key() -> None:
    assert place_of("user/ann/colour") == (("user", "ann"), "colour")


@pytest.mark.parametrize("value", ["x" * (VALUE_BYTES - 2), "é" * (VALUE_BYTES // 2 - 1), [0] * (VALUE_BYTES // 2 - 1)])
def test_a_value_as_big_as_it_may_be_is_taken(value: Json) -> None:
    assert an_item(DEFAULT_TENANT, ("a",), "k", value, NOON).value == value


@pytest.mark.parametrize("value", ["x" * (VALUE_BYTES - 1), "é" * (VALUE_BYTES // 2), [0] * (VALUE_BYTES // 2)])
def test_a_bigger_one_is_refused(value: Json) -> None:
    with pytest.raises(DocumentTooLarge, match="262,144"):
        an_item(DEFAULT_TENANT, ("a",), "k", value, NOON)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValidationError, match="surrogate"):
        an_item(DEFAULT_TENANT, ("a",), "k", ["\ud800"], NOON)


def test_it_expires_after_its_time() -> None:
    assert an_item(DEFAULT_TENANT, ("a",), "k", 1, NOON, 60).expires_at == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_TTL + 1])
def test_a_time_that_cannot_be_is_refused(seconds: int) -> None:
    with pytest.raises(ValidationError):
        an_item(DEFAULT_TENANT, ("a",), "k", 1, NOON, seconds)


def test_a_filter_is_read_as_conditions() -> None:
    found = conditions_of({"kind": {"a": 1}, "owner.name": "ann", "size": {"$gte": 3, "$lt": 9}})

    assert found == (
        Condition(("kind",), Comparison.EQUAL, {"a": 1}),
        Condition(("owner", "name"), Comparison.EQUAL, "ann"),
        Condition(("size",), Comparison.AT_LEAST, 3),
        Condition(("size",), Comparison.LESS, 9),
    )


@pytest.mark.parametrize(
    "wanted",
    [{"": 1}, {"a..b": 1}, {"a": {"$near": 1}}, {"a": {"$gte": 1, "b": 2}}, {str(n): n for n in range(MOST_CONDITIONS + 1)}],
)
def test_a_filter_that_cannot_be_is_refused(wanted: JsonObject) -> None:
    with pytest.raises(ValidationError):
        conditions_of(wanted)
