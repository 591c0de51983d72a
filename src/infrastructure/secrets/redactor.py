"""What has been given out is known from then on, and taken out of every text that leaves."""

from collections.abc import Callable, Collection
from threading import Lock
from typing import Final

from domain.ids import DEFAULT_TENANT, TenantId
from domain.ports.secrets import Redact
from domain.secret import SHORTEST
from infrastructure.secrets.spellings import SHORTEST_CUT, Form, forms_of

MOST_VALUES: Final = 16
"""Of one name. A secret that is exchanged every hour would otherwise be remembered a thousand times."""
UNNAMED: Final = "[secret]"
_AFTER_A_CUT: Final = " .\u2026"


class Redactor:
    """`domain.ports.secrets.Redact`, with the name of each secret. Whoever remembers and whoever asks may do so from any thread.

    Only whole values are taken out of what a tenant reads: were a part of one enough, it would be guessed character by character.
    """

    def __init__(self, patterns: Redact = str) -> None:
        """`patterns`: takes out what the owner wants neither in logs nor in the history, though it is no secret."""
        self._patterns = patterns
        self._remembering = Lock()
        self._values: dict[str, tuple[str, ...]] = {}
        self._tenants: dict[str, frozenset[TenantId]] = {}
        self._forms: tuple[tuple[str, Form], ...] = ()
        self._pieces: frozenset[str] = frozenset()
        self._shortest = SHORTEST

    def remember(self, name: str, value: str, tenants: Collection[TenantId] = (DEFAULT_TENANT,)) -> bool:
        """From now on texts have `[secret name]` in its place. False: it is too short to be taken out of anything. `tenants` may know that
        there is one of this name."""
        if len(value) < SHORTEST:
            return False
        if value not in self._values.get(name, ()):
            with self._remembering:
                self._tenants[name] = frozenset(tenants)
                self._values[name] = (*self._values.get(name, ()), value)[-MOST_VALUES:]
                self._prepare()
        return True

    def __call__(self, text: str) -> str:
        return self._without(text, _named)

    def nameless(self, text: str) -> str:
        """For what anybody may read."""
        return self._without(text, lambda name: UNNAMED)

    def for_tenant(self, tenant: TenantId) -> Redact:
        """What is taken out has its name where the tenant may use it."""
        return lambda text: self._without(text, lambda name: _named(name) if tenant in self._tenants[name] else UNNAMED)

    def in_history(self, tenant: TenantId) -> Redact:
        """For what a tenant reads long after it was said."""
        redact = self.for_tenant(tenant)
        return lambda text: self._patterns(redact(text))

    def in_log(self, text: str) -> str:
        """Also what is left of one at the end of a text that was cut. For the owner's eyes only."""
        text = self(text)
        return self._patterns(self._without_a_cut_one(text) if len(text) >= SHORTEST else text)

    def _without(self, text: str, label: Callable[[str], str]) -> str:
        if len(text) >= self._shortest:
            for name, form in self._forms:
                if form.needle in text:
                    text = form.pattern.sub(label(name), text)
        return text

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
                    return f"{text[:at]}{_named(name)}{after}"
                at = text.find(form.written[:SHORTEST_CUT], at + 1)
        return text + after


def _named(name: str) -> str:
    return f"[secret {name}]"
