"""What has been given out is known from then on, and taken out of every text that leaves."""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from domain.json import Json
from domain.ports.secrets import Redact
from domain.secret import SHORTEST
from infrastructure.secrets.spellings import SHORTEST_CUT, Form, forms_of

MOST_VALUES: Final = 16
"""Of one name. A secret that is exchanged every hour would otherwise be remembered a thousand times."""
_AFTER_A_CUT: Final = " .\u2026"


class Redactor:
    """`domain.ports.secrets.Redact`. Whoever remembers and whoever asks may do so from any thread."""

    def __init__(self) -> None:
        self._remembering = Lock()
        self._values: dict[str, tuple[str, ...]] = {}
        self._forms: tuple[tuple[str, Form], ...] = ()
        self._pieces: frozenset[str] = frozenset()
        self._shortest = SHORTEST

    def remember(self, name: str, value: str) -> bool:
        """From now on texts have `[secret name]` in its place. False: it is too short to be taken out of anything."""
        if len(value) < SHORTEST:
            return False
        if value not in self._values.get(name, ()):
            with self._remembering:
                self._values[name] = (*self._values.get(name, ()), value)[-MOST_VALUES:]
                self._prepare()
        return True

    def __call__(self, text: str) -> str:
        if len(text) >= self._shortest:
            for name, form in self._forms:
                if form.needle in text:
                    text = form.pattern.sub(f"[secret {name}]", text)
        return self._without_a_cut_one(text) if len(text) >= SHORTEST else text

    def _prepare(self) -> None:
        """What is contained in another comes after it."""
        known = sorted(((name, value) for name, values in self._values.items() for value in values), key=lambda one: -len(one[1]))
        forms = tuple((name, form) for name, value in known for form in forms_of(value))
        self._pieces = frozenset().union(*(form.pieces for _, form in forms))
        self._shortest = min(len(value) for _, value in known)  # no spelling is shorter than what it spells
        self._forms = forms

    def _without_a_cut_one(self, text: str) -> str:
        """Messages are cut to a length, and what cuts them may show it by dots."""
        if text[-SHORTEST_CUT:] in self._pieces:
            return self._cut(text, "")
        shown = text.rstrip(_AFTER_A_CUT)
        if len(shown) < len(text) and shown[-SHORTEST_CUT:] in self._pieces:
            return self._cut(shown, text[len(shown) :])
        return text

    def _cut(self, text: str, after: str) -> str:
        for name, form in self._forms:
            at = text.find(form.written[:SHORTEST_CUT], max(0, len(text) - len(form.written)))
            while at >= 0:
                if form.written.startswith(text[at:]):
                    return f"{text[:at]}[secret {name}]{after}"
                at = text.find(form.written[:SHORTEST_CUT], at + 1)
        return text + after


def redacted(value: Json, redact: Redact) -> Json:
    """The same value when nothing in it is secret. Names in objects are texts too."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(name): redacted(inner, redact) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(inner, redact) for inner in value]
    return value
