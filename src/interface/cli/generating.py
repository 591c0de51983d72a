"""How a draft is shown: the document on stdout or in a file, everything about it on stderr."""

import sys
from pathlib import Path
from typing import Final

from interface.cli.client import connected
from interface.cli.documents import must_be_writable, write_text
from interface.cli.failures import Exit, detail
from interface.cli.happenings import Members
from interface.cli.printing import print_json, spent

_MORE_SECONDS: Final = 30


def generated(order: Members, out: Path | None, server: str | None, key: str | None, as_json: bool) -> int:
    if out is not None:
        must_be_writable(out)
    with connected(server, key) as there:
        draft = there.post("/v1/workflows/draft", order, within=order["seconds"] + _MORE_SECONDS)
    if as_json:
        print_json(draft)
    else:
        _write(draft, out)
        _tell(draft)
    return Exit.DONE if draft["valid"] else Exit.FAILED


def _write(draft: Members, out: Path | None) -> None:
    from interface.yaml_writing import dump_document

    write_text(draft["answer"] if draft["document"] is None else dump_document(draft["document"]), out)


def _tell(draft: Members) -> None:
    for problem in draft["problems"]:
        print(detail(**problem), file=sys.stderr)
    for warning in draft["warnings"]:
        print(f"{detail(**warning)} [warning]", file=sys.stderr)
    if draft["stopped"]:
        print(f"stopped: {draft['stopped']}", file=sys.stderr)
    wrong = f"not valid: {_counted(len(draft['problems']), 'problem')}"
    verdict = "valid; look at it before you publish it" if draft["valid"] else wrong
    tries = _counted(draft["attempts"], "attempt")
    print(f"{verdict} ({', '.join(filter(None, (tries, spent(draft))))})", file=sys.stderr)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
