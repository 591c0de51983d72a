"""`weft generate`: a document on stdout, and what is wrong with it beside it."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.command import Weft

pytestmark = pytest.mark.processes

VALID = """\
weft: 1
name: double
version: "1.0.0"
state:
  x:
    type: integer
nodes:
  twice:
    kind: transform
    writes:
      x: "${state.x * 2}"
edges:
  - from: start
    to: twice
"""


def test_a_draft_is_printed_and_written_and_says_what_it_cost(weft: Weft, tmp_path: Path) -> None:
    rules = [{"when": "twice", "answer": VALID}, {"answer": VALID.replace("transform", "doubler")}]
    (scripts := tmp_path / "scripts.yaml").write_text(json.dumps({"author": {"rules": rules}}))
    url = weft.commands.serve(WEFT_SCRIPTS=str(scripts)).url()
    out = tmp_path / "draft.yaml"

    good = weft("generate", "Make it twice as much", "--model", "scripted/author", "--server", url)
    bad = weft("generate", "Double it", "--model", "scripted/author", "--repairs", "0", "--out", str(out), "--server", url)

    assert (good.code, good.out) == (0, VALID)
    assert good.err.startswith("valid; look at it before you publish it (1 attempt, 1 model call, ")
    assert (bad.code, bad.out) == (1, "")
    assert "/nodes/twice/kind: " in bad.err
    assert "not valid: 1 problem (1 attempt, " in bad.err
    assert out.read_text() == VALID.replace("transform", "doubler")
    keyless = weft("generate", "Double it", "--server", url)
    assert keyless.code == 1
    assert "stopped: `fast` stands for an offline model" in keyless.err
    assert "OPENAI_API_KEY" in keyless.err
    unwritable = weft("generate", "x", "--out", str(out / "deeper.yaml"), "--server", "http://127.0.0.1:1")
    assert unwritable.code == 2, "said before the model is asked"
    assert "cannot be written" in unwritable.err
    assert weft("generate", "x", "--repairs", "11", "--server", url).code == 2
