"""What the options of `weft tools import` mean, and where tools go."""

import gc
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from application.openapi import Imported, Row, Wanted
from infrastructure.schemas import JsonSchemas
from interface.cli.client import Server, connected
from interface.cli.failures import CommandFailed
from interface.cli.launcher import Launcher
from interface.cli.tool_import_report import MOST_ROWS, print_report
from interface.cli.tool_importing import Batch, Destination, Sent, imported, wanted
from tests.servers.receiver import receiving

NOTHING: dict[str, Any] = {"only": None, "tags": None, "paths": None, "operations": None, "prefix": "", "server": "", "secrets": None}


def meant(**options: Any) -> Wanted:
    return wanted(**{**NOTHING, "checks_answers": False, **options})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, Wanted(), id="nothing asks for everything"),
        pytest.param({"only": "get, POST"}, Wanted(methods=frozenset({"GET", "POST"})), id="methods with commas, in any case"),
        pytest.param({"tags": ["a", "b"]}, Wanted(tags=frozenset({"a", "b"})), id="any of the tags"),
        pytest.param({"secrets": ["api=key=mine"]}, Wanted(secrets={"api=key": "mine"}), id="a scheme's name may have a = in it"),
    ],
)
def test_options(options: Any, expected: Wanted) -> None:
    assert meant(**options) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"only": "GET,FETCH"}, "FETCH is no method", id="a method there is not"),
        pytest.param({"secrets": ["petKey"]}, "SCHEME=NAME", id="a secret without a scheme"),
        pytest.param({"secrets": ["petKey=Pet Key"]}, "small letters", id="a name that no secret has"),
        pytest.param({"secrets": ["=pets"]}, "SCHEME=NAME", id="a scheme without a name"),
    ],
)
def test_options_that_cannot_be_meant(options: Any, said: str) -> None:
    with pytest.raises(CommandFailed, match=said):
        meant(**options)


PETS = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://pets.example.com"}],
    "paths": {"/pets": {"get": {"operationId": "listPets"}}, "/pets/{id}": {"get": {"operationId": "getPet"}}},
}


class SchemasOnly:
    def schemas(self) -> JsonSchemas:
        return JsonSchemas()


def sent_to(url: str, tmp_path: Path) -> int:
    file = tmp_path / "pets.json"
    file.write_text(json.dumps(PETS))
    destination = Destination(is_dry=False, out=None, server=url, key="a-key")
    return imported(cast("Launcher", SchemasOnly()), file, Wanted(), destination, as_json=True)


def test_tools_are_registered_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with receiving() as service:
        service.statuses, service.answer = [200], b'{"new": ["listPets"], "replaced": ["getPet"], "refused": []}'
        code = sent_to(service.url, tmp_path)

    shown = json.loads(capsys.readouterr().out)
    assert (code, shown["new"], shown["replaced"], shown["refused"]) == (0, 1, 1, [])
    (request,) = service.received
    assert (request.path, request.headers["authorization"]) == ("/v1/tools/batch", "Bearer a-key")
    assert [document["name"] for document in json.loads(request.body)["documents"]] == ["listPets", "getPet"]


def test_what_is_too_much_for_one_request_goes_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interface.cli.tool_importing.AT_ONCE", 1)
    with receiving() as service:
        service.statuses, service.answer = [200, 200], b'{"new": [], "replaced": [], "refused": []}'
        sent_to(service.url, tmp_path)

    assert [len(json.loads(one.body)["documents"]) for one in service.received] == [1, 1]


def test_the_next_tools_are_made_while_the_service_takes_in_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interface.cli.tool_importing.AT_ONCE", 1)
    second_made = threading.Event()
    waited: list[bool] = []

    class Watched(Batch):
        def add(self, name: str, tool: Mapping[str, object]) -> None:
            if name == "getPet":
                second_made.set()
            super().add(name, tool)

    def post_document(_: Server, path: str, content: bytes, media_type: str, file: str) -> tuple[dict[str, Any], bool]:
        waited.append(second_made.wait(30))
        return {"new": [one["name"] for one in json.loads(content)["documents"]], "replaced": [], "refused": []}, False

    monkeypatch.setattr("interface.cli.tool_importing.Batch", Watched)
    monkeypatch.setattr(Server, "post_document", post_document)

    assert sent_to("http://127.0.0.1:1", tmp_path) == 0
    assert waited == [True, True]


def test_what_was_sent_is_gone_with_its_answer_and_waits_for_no_look_for_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    with receiving() as service, connected(service.url, None) as there:
        service.statuses, service.answer = [200], b"{}"
        gc.disable()
        try:
            there.post_document("/v1/tools/batch", b"{}", "application/json", "")
            assert not [one for one in gc.get_objects() if isinstance(one, httpx.Request)]
        finally:
            gc.enable()


def test_a_tool_that_the_service_refuses_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def post_document(_: Server, path: str, content: bytes, media_type: str, file: str) -> tuple[dict[str, Any], bool]:
        problem = {"pointer": "/documents/0/name", "message": "listPets is a tool of this installation", "code": "name_taken"}
        return {"new": ["getPet"], "replaced": [], "refused": [{"at": 0, "name": "listPets", "problems": [problem]}]}, False

    monkeypatch.setattr(Server, "post_document", post_document)
    code = sent_to("http://127.0.0.1:1", tmp_path)

    shown = json.loads(capsys.readouterr().out)
    assert (code, shown["new"]) == (1, 1)
    why = "/documents/0/name: listPets is a tool of this installation"
    assert shown["refused"] == [{"name": "listPets", "why": why}]


def test_a_service_that_is_not_there_ends_the_import(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no server answers") as failed:
        sent_to("http://127.0.0.1:1", tmp_path)

    assert failed.value.code == 3


def test_a_long_report_shows_the_first_rows_of_each_table_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row(f"tool_{number}", "none", f"GET /{number}") for number in range(MOST_ROWS + 5)]

    print_report(Imported(len(rows), rows, [], [], []), Sent(), as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "205 of 205 operations would be tools"
    assert lines[-1] == "... and 5 more: --json shows them all"
    assert len(lines) == MOST_ROWS + 3
