"""Public documents as tools that are called: a judge that knows only the documents finds nothing wrong with what they send."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.openapi_judge import Judge
from benchmarks.openapi_received import Received
from benchmarks.openapi_share import share

DATA = Path(__file__).parents[1] / "data" / "openapi"


async def test_every_operation_of_public_documents_is_called_as_its_document_says() -> None:
    whole = await share(DATA, None, quiet=True)

    assert dict(whole.reasons) == {}
    assert (whole.operations, whole.imported, whole.registered) == (11, 11, 11)
    assert (whole.called, whole.right, whole.unjudged) == (11, 11, 0)


def request(**changes: Any) -> Received:
    sent = {"method": "POST", "target": "/base/pet/7?", "headers": {"authorization": "Bearer x"}, "body": b"name=Rex"}
    sent["headers"] = {"content-type": "application/x-www-form-urlencoded", "authorization": "Bearer x"}
    return Received(**{**sent, **changes})


@pytest.mark.parametrize(
    ("sent", "objection"),
    [
        pytest.param(request(), "", id="what fits"),
        pytest.param(request(method="PUT"), "the method is PUT", id="another method"),
        pytest.param(request(target="/base/pets/7"), "the path is /base/pets/7", id="another path"),
        pytest.param(request(target="/base/pet/7?x=1"), "query x is not in the document", id="a query from nowhere"),
        pytest.param(request(headers={}), "nothing says who asks", id="nobody's"),
    ],
)
def test_the_judge_notices(sent: Received, objection: str) -> None:
    judge = Judge(json.loads((DATA / "petstore.json").read_text()), "/base")

    assert judge.objections("/pet/{petId}", "post", sent) == ([objection] if objection else [])


@pytest.mark.parametrize(
    ("body", "objections"),
    [
        pytest.param(b'{"title": "It broke"}', 0, id="what fits"),
        pytest.param(b"{}", 1, id="a member is missing"),
        pytest.param(b"", 1, id="nothing at all"),
        pytest.param(b"title", 1, id="no JSON"),
    ],
)
def test_the_judge_reads_bodies(body: bytes, objections: int) -> None:
    judge = Judge(json.loads((DATA / "github.json").read_text()))
    sent = Received("POST", "/repos/o/r/issues", {"content-type": "application/json"}, body)

    assert len(judge.objections("/repos/{owner}/{repo}/issues", "post", sent)) == objections
