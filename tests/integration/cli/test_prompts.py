"""`weft prompts`: from a file to what a model is told."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.command import Weft

pytestmark = pytest.mark.processes

ANSWER = """\
prompt: support/answer
variables:
  ticket:
    type: string
  urgent:
    type: boolean
    default: false
text: |
  Answer this ticket{% if urgent %} at once{% endif %}:
  {{ ticket }}
"""


def test_a_prompt_from_its_file_to_its_rollout(weft: Weft, tmp_path: Path) -> None:
    url = weft.commands.serve().url()
    (file := tmp_path / "answer.yaml").write_text(ANSWER)

    def prompts(*arguments: str, code: int = 0) -> str:
        answer = weft("prompts", *arguments, "--server", url)
        assert answer.code == code, answer.err
        return answer.out if code == 0 else answer.err

    assert prompts("publish", str(file)).startswith("published support/answer@1 (")
    assert prompts("publish", str(file)).startswith("was already published: support/answer@1 (")
    file.write_text(ANSWER.replace("Answer this", "Please answer this"))
    prompts("publish", str(file))
    assert prompts("show", "support/answer@1") == ANSWER
    assert prompts("render", "support/answer", "--var", "ticket=a = b", "--var", "urgent:=true") == (
        "[user]\nPlease answer this ticket at once:\na = b\n\n"
    )
    assert json.loads(prompts("render", "support/answer@1", "--vars", '{"ticket": "x"}', "--json"))["prompt"] == "support/answer@1"
    assert "-Answer this ticket:\n+Please answer this ticket:\n" in prompts("diff", "support/answer", "1", "2", "--var", "ticket=x")
    assert prompts("rollout", "support/answer", "1=90", "2=10") == "support/answer@1 90%, support/answer@2 10%\n"
    assert [line.split("\t")[:2] for line in prompts("list", "support/answer").splitlines()] == [
        ["support/answer@2", "10%"],
        ["support/answer@1", "90%"],
    ]
    assert prompts("rollout", "support/answer") == "everybody gets the newest, support/answer@2\n"
    assert prompts("list").startswith("support/answer@2\t")
    assert "the variable `ticket` is missing" in prompts("render", "support/answer", code=2)
    assert "no share: use VERSION=PERCENT" in prompts("rollout", "support/answer", "1:90", code=2)
    assert "names no version" in prompts("show", "support/answer@x", code=2)
    file.write_text("prompt: bad\ntext: '{{ nobody }}'\n")
    assert "`nobody` is not declared" in prompts("publish", str(file), code=2)


def test_a_workflow_is_checked_with_the_prompts_beside_it(weft: Weft, tmp_path: Path) -> None:
    workflow = {
        "weft": 1,
        "name": "w",
        "version": "1.0.0",
        "nodes": {"a": {"kind": "llm", "model": "fast", "prompt": {"use": "support/answer", "with": {"ticket": "x", "more": 1}}}},
        "edges": [{"from": "start", "to": "a"}],
    }
    (tmp_path / "w.json").write_text(json.dumps(workflow))
    (tmp_path / "answer.yaml").write_text(ANSWER)
    (tmp_path / "bad.yaml").write_text("prompt: bad\ntext: '{{ nobody }}'\n")
    files = [tmp_path / name for name in ("w.json", "answer.yaml", "bad.yaml")]
    told = weft("validate", *files)
    lines = told.out.splitlines()

    assert told.code == 2
    assert lines[0].startswith(f"{files[0]}: /nodes/a/prompt/with/more: support/answer@1: the prompt has no variable `more`")
    assert lines[1] == f"{files[1]}: valid"
    assert lines[2].startswith(f"{files[2]}:2:1: /text: ")
