"""What a run says, on stdout: the words of models as they come for people, its output for programs."""

import sys

from interface.cli.failures import CommandFailed, Exit
from interface.cli.happenings import Happening, Members
from interface.cli.printing import ending, print_output


class Speech:
    """`is_live`: somebody watches. Words pass by and may be missed, the output may not: it is printed unless it was heard in whole."""

    def __init__(self, *, is_live: bool) -> None:
        self._is_live = is_live
        self._heard: dict[str, str] = {}
        self._speaker = ""

    def hear(self, happening: Happening) -> None:
        if happening.name == "chunk" and self._is_live:
            self._say(happening.data["activation"], happening.data["text"])
        elif happening.name == "node_parked" and happening.data.get("until") is None:
            print(f"waits for {happening.data['waiting_for']} at {happening.data['activation']}", file=sys.stderr, flush=True)

    def end(self, run: Members) -> None:
        """`CommandFailed` for a run that did not complete."""
        if self._speaker:
            print()
        if run["status"] != "completed":
            raise CommandFailed(ending(run), code=Exit.FAILED)
        if not self._has_said(run["output"]):
            print_output(run["output"])

    def _say(self, speaker: str, text: str) -> None:
        """Each of several on a line of its own."""
        if self._speaker not in ("", speaker):
            print()
        self._speaker = speaker
        self._heard[speaker] = self._heard.get(speaker, "") + text
        print(text, end="", flush=True)

    def _has_said(self, output: object) -> bool:
        """All of it: the output is a text, or its members are."""
        texts = list(output.values()) if isinstance(output, dict) else [output]
        return bool(texts) and all(text in self._heard.values() for text in texts)
