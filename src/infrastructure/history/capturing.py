"""What is kept of what was said: without secrets, within bounds, as hashes, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import orjson

from domain.history import Capture
from domain.json import Json, JsonObject
from domain.ports.secrets import Redact

MOST_TEXT: Final = 64 * 1024
"""Characters of one text."""
MOST_RECORD: Final = 256 * 1024
"""Characters of one record, of all its texts together; each value counts as eight besides."""
MARGIN: Final = 16 * 1024
"""So much more of a text is looked through than is kept: what begins before the cut is seen whole."""
_BESIDES: Final = 8


@dataclass(slots=True)
class Kept:
    """Takes values in, one after the other, as far as there is room. `is_cut`: there was not."""

    redact: Redact
    left: int = MOST_RECORD
    is_cut: bool = False

    def value(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return self._members(value)
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value if self._has_room()]
        self.left -= _BESIDES
        return self._scalar(value)

    def _members(self, members: Mapping[str, Json]) -> JsonObject:
        return {self._text(name): self.value(inner) for name, inner in members.items() if self._has_room()}

    def _has_room(self) -> bool:
        self.is_cut = self.is_cut or self.left <= 0
        return self.left > 0

    def _scalar(self, value: Json) -> Json:
        """A number may be what nobody is to see, too."""
        if value is None or isinstance(value, bool):
            return value
        shown = self.redact(written := str(value))
        return value if shown == written else shown

    def _text(self, text: str) -> str:
        """Redacted before it is cut: of a part of something nobody sees what it is."""
        room = max(0, min(MOST_TEXT, self.left))
        is_long = len(text) > room
        seen = self.redact(text[: room + MARGIN])
        # The end that was not seen whole goes; it may have become shorter or longer meanwhile, but for what was not recognised.
        shown = _unicode(seen[: min(room, len(seen) - MARGIN if len(text) > room + MARGIN else len(seen))])
        self.is_cut = self.is_cut or is_long
        self.left -= len(shown) + _BESIDES
        return shown


def captured(content: JsonObject, capture: Capture, redact: Redact) -> tuple[JsonObject, bool]:
    """What is kept, and whether it was cut."""
    if capture is Capture.OFF:
        return {}, False
    kept = Kept(redact)
    if capture is Capture.HASHED:
        return {name: _hashed(value, redact) for name, value in content.items()}, False
    return {name: kept.value(value) for name, value in content.items()}, kept.is_cut


def _hashed(value: Json, redact: Redact) -> Json:
    """Of a list each member by itself. The same is the same; what is secret is taken out first, so that nobody can try whether it was
    there."""
    if isinstance(value, list | tuple):
        return [_digest(inner, redact) for inner in value]
    return None if value is None else _digest(value, redact)


def _digest(value: Json, redact: Redact) -> str:
    """Of a text its UTF-8, of anything else its JSON with sorted names and without spaces."""
    text = value if isinstance(value, str) else orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS).decode()
    return "sha256:" + sha256(redact(text).encode("utf-8", "replace")).hexdigest()


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _unicode(text: str) -> str:
    """What no database takes is replaced: half a surrogate pair, NUL."""
    if text.isascii():
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
