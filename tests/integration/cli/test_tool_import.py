"""`weft tools import`: a document of a service on the command line."""

import json
from typing import Any

import pytest

from tests.integration.cli.command import Weft
from tests.servers import web
from tests.servers.ports import free_port

pytestmark = pytest.mark.processes

PETS = """\
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://pets.example.com"}]
security: [{petKey: []}]
paths:
  /pets:
    get: {operationId: listPets, summary: All pets}
    post:
      operationId: addPet
      requestBody: {content: {multipart/mixed: {}}}
  /pets/{id}:
    get: {operationId: getPet}
    delete: {operationId: removePet}
components:
  securitySchemes:
    petKey: {type: http, scheme: bearer}
"""


def test_a_dry_run_says_what_would_come_of_it(weft: Weft) -> None:
    answer = weft("tools", "import", weft.write("pets.yaml", PETS), "--dry-run")

    assert answer.code == 0
    assert answer.err == ""
    lines = answer.out.splitlines()
    assert lines[0] == "3 of 4 operations would be tools"
    assert "listPets\tnone\tGET /pets" in lines
    assert "removePet\tidempotent\tDELETE /pets/{id}" in lines
    assert any(line.startswith("POST /pets\tits body is multipart/mixed") for line in lines)
    assert any(line.startswith("""WEFT_SECRETS__pet_key='{"from": "env:PET_KEY", "hosts": ["pets.example.com"]}'""") for line in lines)


def test_programs_get_json(weft: Weft) -> None:
    shown = weft("tools", "import", weft.write("pets.yaml", PETS), "--dry-run", "--only", "get", "--prefix", "zoo_", "--json").json

    assert (shown["operations"], [tool["name"] for tool in shown["tools"]]) == (2, ["zoo_listPets", "zoo_getPet"])
    assert shown["secrets"] == [{"name": "pet_key", "purpose": "a bearer token", "hosts": ["pets.example.com"], "tools": 2}]
    assert shown["left_out"] == []


def test_documents_of_tools_are_written_to_a_folder(weft: Weft) -> None:
    folder = weft.commands.folder / "tools"
    answer = weft("tools", "import", weft.write("pets.yaml", PETS), "--only", "GET", "--out", folder, "--secret", "petKey=zoo")

    assert answer.out.startswith(f"2 of 2 operations are written to {folder}\n")
    written: dict[str, Any] = {path.name: json.loads(path.read_text()) for path in folder.iterdir()}
    assert written.keys() == {"listPets.json", "getPet.json"}
    assert written["getPet.json"]["config"] == {
        "method": "GET",
        "url": "https://pets.example.com/pets/{id}",
        "auth": [{"bearer": "${secret.zoo}"}],
    }


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        pytest.param(PETS, ["--only", "FETCH"], "FETCH is no method", id="a method there is not"),
        pytest.param(PETS, ["--tag", "birds"], "no operation", id="a filter that lets nothing through"),
        pytest.param("paths: {", [], "not YAML", id="no document at all"),
    ],
)
def test_what_cannot_be_imported_is_code_2_and_says_why(weft: Weft, text: str, options: list[str], said: str) -> None:
    answer = weft("tools", "import", weft.write("pets.yaml", text), "--dry-run", *options)

    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_an_import_of_nothing_but_reasons_is_code_2(weft: Weft) -> None:
    answer = weft("tools", "import", weft.write("pets.yaml", PETS), "--dry-run", "--only", "POST")

    assert answer.code == 2
    assert answer.out.startswith("0 of 1 operations would be tools\n")


def test_weft_imports_its_own_document_and_its_tools_answer(weft: Weft) -> None:
    key = "an-admin-key-of-this-test"
    port = free_port()
    secret = json.dumps({"from": "env:ME", "hosts": [f"127.0.0.1:{port}"]})
    url = weft.commands.serve(port=port, WEFT_HTTP_PRIVATE="127.0.0.1", WEFT_API_KEYS=key, WEFT_SECRETS__me=secret, ME=key).url()
    document = weft.write("openapi.json", web.get(f"{url}/openapi.json").text)
    there = ("--server-url", url, "--secret", "bearer=me", "--prefix", "me_", "--only", "GET", "--json", "--server", url, "--key", key)

    first = weft("tools", "import", document, *there).json
    again = weft("tools", "import", document, *there, "--path", "/v1/tools/{name}").json

    assert first["refused"] == first["left_out"] == []
    assert first["new"] == len(first["tools"]) > 20
    assert (again["new"], again["replaced"]) == (0, 1)
    (tool,) = again["tools"]
    answer = weft("tools", "call", tool["name"], '{"name": "calculator"}', "--server", url, "--key", key)
    assert answer.json["name"] == "calculator"
