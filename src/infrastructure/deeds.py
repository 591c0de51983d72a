"""Deeds without secrets, should one be in a path, in the words of a rule, or in what is told about it."""

from dataclasses import replace
from typing import cast

from domain.audit import Deed
from domain.json import JsonObject
from domain.ports.secrets import Redact
from infrastructure.secrets.redacted import redacted


def discreet(deed: Deed, redact: Redact) -> Deed:
    about = cast("JsonObject", redacted(deed.about, redact))
    return replace(deed, who=redact(deed.who), resource=redact(deed.resource), rule=redact(deed.rule), about=about)
