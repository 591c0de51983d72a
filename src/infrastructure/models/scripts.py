"""Scripts: what an offline model says when. They stand in a file (name -> script) or in the `options` of a node.

    rules:
      - when: refund                    # this text is in the last message, in any case
        answer: You will have it back in three days.
      - matches: "round [12]\\b"         # a regular expression; linear in time, so without look-around
        in: all                         # every message, not just the last; `system`: the instructions
        json: {verdict: revise}
      - turn: 2                         # after one answer of the model
        after: calculator               # the last message is what that tool returned
        answer: It is 14.
      - tool_calls: [{name: calculator, arguments: {expression: "2*(3+4)"}}]
        delay_seconds: 0.2              # before the first word
        chunk_seconds: 0.05             # between words
      - fail: {code: model_unavailable, after_chunks: 3}
      - rate_limited: {retry_after: 7}
    otherwise: {use: summary}           # or a text; without it the built-in model of that name answers
    keywords: {billing: [invoice, refund]}   # for `classify`: words that speak for a label

The first rule that holds answers. A rule without `when`, `matches`, `turn` and `after` always holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import pydantic
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.errors import FactoryError, ModelError
from domain.json import JsonObject
from infrastructure.models.failures import RETRYABLE, model_error
from infrastructure.models.texts import instructions_in, text_of, tool_before

REGEX_BYTES = 1_000_000
"""Bound on a compiled expression."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class Failing(_Strict):
    """Without `after_chunks` before the first word, else after so many words."""

    code: str = "model_unavailable"
    message: str = "the script says so"
    after_chunks: int | None = Field(default=None, ge=0)

    @pydantic.field_validator("code")
    @classmethod
    def _is_a_code_of_models(cls, code: str) -> str:
        if code not in RETRYABLE:
            raise ValueError(f"not one of {', '.join(RETRYABLE)}")
        return code


class RateLimited(_Strict):
    retry_after: float | None = Field(default=None, ge=0)


class Calling(_Strict):
    name: str
    arguments: dict[str, JsonValue] = {}


class Reply(_Strict):
    """`use` names the built-in model that finds the words where neither `answer` nor `value` nor `tool_calls` gives them."""

    answer: str | None = None
    value: JsonValue = Field(default=None, alias="json")
    tool_calls: tuple[Calling, ...] = ()
    use: str | None = None
    fail: Failing | None = None
    rate_limited: RateLimited | None = None
    delay_seconds: float = Field(default=0, ge=0)
    chunk_seconds: float | None = Field(default=None, ge=0)

    @property
    def has_value(self) -> bool:
        return "value" in self.model_fields_set

    @property
    def failure(self) -> ModelError | None:
        if self.rate_limited:
            return model_error("model_rate_limited", "the script limits the rate", self.rate_limited.retry_after)
        return model_error(self.fail.code, self.fail.message) if self.fail else None


@dataclass(frozen=True, slots=True)
class Heard:
    """What rules look at. `turn`: one more than the model has answered. `after`: the tool whose result the last message is, or ""."""

    last: str
    everything: str
    system: str
    turn: int
    after: str

    @classmethod
    def of(cls, messages: Sequence[JsonObject]) -> "Heard":
        texts = [text_of(message) for message in messages] or [""]
        answered = sum(message.get("role") == "assistant" for message in messages)
        return cls(texts[-1], "\n\n".join(texts), instructions_in(messages), answered + 1, tool_before(messages))


class Rule(Reply):
    when: str | None = None
    matches: str | None = None
    within: Literal["last", "all", "system"] = Field(default="last", alias="in")
    turn: int | None = Field(default=None, ge=1)
    after: str | None = None

    @pydantic.field_validator("matches")
    @classmethod
    def _compiles(cls, expression: str | None) -> str | None:
        if expression is not None:
            _compiled(expression)
        return expression

    def holds(self, heard: Heard) -> bool:
        if self.turn not in (None, heard.turn) or self.after not in (None, heard.after):
            return False
        text = {"last": heard.last, "all": heard.everything, "system": heard.system}[self.within]
        contained = self.when is None or self.when.casefold() in text.casefold()
        return contained and (self.matches is None or _compiled(self.matches).is_valid(text))


class Script(_Strict):
    rules: tuple[Rule, ...] = ()
    otherwise: str | Reply | None = None
    keywords: dict[str, tuple[str, ...]] = {}

    def over(self, other: "Script") -> "Script":
        """This script, and the other one where this one says nothing."""
        otherwise = self.otherwise if self.otherwise is not None else other.otherwise
        return Script(rules=(*self.rules, *other.rules), otherwise=otherwise, keywords={**other.keywords, **self.keywords})

    def reply(self, heard: Heard) -> Reply:
        for rule in self.rules:
            if rule.holds(heard):
                return rule
        return Reply(answer=self.otherwise) if isinstance(self.otherwise, str) else self.otherwise or Reply()


SCRIPT_KEYS = frozenset(Script.model_fields)


def script_from(options: JsonObject) -> Script:
    """The script in a node's `options`. One that is not well formed is `model_bad_request`, which says where."""
    try:
        return Script.model_validate(dict(options))
    except pydantic.ValidationError as error:
        raise model_error("model_bad_request", f"not a script: {_first_problem(error)}") from error


def scripts_in(file: Path) -> Mapping[str, Script]:
    """Raises `FactoryError`, which says where, when the file cannot be read or is no mapping of names to scripts."""
    import yaml

    try:
        return pydantic.TypeAdapter(dict[str, Script]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except pydantic.ValidationError as error:
        raise FactoryError(f"WEFT_SCRIPTS: {file}: {_first_problem(error)}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FactoryError(f"WEFT_SCRIPTS: {file}: {error}") from error


def _first_problem(error: pydantic.ValidationError) -> str:
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


class _Expression(Protocol):
    def is_valid(self, instance: str) -> bool: ...


@lru_cache(maxsize=256)
def _compiled(expression: str) -> _Expression:
    """Python's own `re` can be kept busy for hours by an expression from a document; this engine cannot."""
    import jsonschema_rs

    options = jsonschema_rs.RegexOptions(size_limit=REGEX_BYTES)
    try:
        return jsonschema_rs.validator_for({"pattern": expression}, pattern_options=options)
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"not a regular expression of linear time: {expression}") from error
