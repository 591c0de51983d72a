"""Prompts as they are written, and the domain's prompts: the one codec between the two."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from domain.json import Json, JsonObject
from domain.prompt import Prompt, PromptMessage, PromptVariable

SEGMENT: Final = r"[A-Za-z][A-Za-z0-9_.-]*"
PROMPT_NAME: Final = rf"^{SEGMENT}(/{SEGMENT})*$"
NUMBER: Final = r"[1-9][0-9]{0,8}"
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
_OURS: Final = frozenset({"description", "default", "required"})
"""Keys of a variable that say something of it besides its schema; `required` only when it is true or false."""
_NO_NAMES: Final = frozenset({
    "caller", "loop", "range", "self", "super", "true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if",
    "else",
})  # fmt: skip
"""What means something else in a template."""

Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=256 * 1024)]
Name: TypeAlias = Annotated[str, Field(pattern=PROMPT_NAME, max_length=200)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class MessageDocument(_Written):
    role: Literal["system", "user", "assistant"]
    content: Text


class PromptDocument(_Written):
    """One `text`, or `messages`; both are Jinja2 templates over the declared `variables`. A variable is a JSON Schema with `description`,
    `default` and `required: false`. `partials` are texts that templates here include by name: `{% include 'greeting' %}`; another
    published prompt is included by its version: `{% include 'support/tone@2' %}`."""

    weft: Literal[1] = 1
    prompt: Name
    description: Annotated[str, Field(max_length=4_000)] = ""
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50)] = Field(default_factory=list)
    variables: Annotated[dict[Annotated[str, Field(pattern=VARIABLE)], dict[str, JsonValue]], Field(max_length=100)] = Field(
        default_factory=dict
    )
    text: Text | None = None
    messages: Annotated[list[MessageDocument], Field(min_length=1, max_length=20)] | None = None
    partials: Annotated[dict[Annotated[str, Field(pattern=PROMPT_NAME, max_length=100)], Text], Field(max_length=50)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> "PromptDocument":
        if (self.text is None) == (self.messages is None):
            raise ValueError("a prompt has either `text` or `messages`")
        strange = sorted(name for name in self.variables if name in _NO_NAMES or name.startswith("weft_"))
        if strange:
            raise ValueError(f"`{strange[0]}` means something else in templates: call the variable differently")
        return self

    @property
    def as_json(self) -> JsonObject:
        """As it was written."""
        return cast("JsonObject", self.model_dump(mode="json", exclude_unset=True))

    def as_prompt(self) -> Prompt:
        messages = [PromptMessage("user", self.text)] if self.text is not None else _messages(self.messages or [])
        variables = {name: _variable(name, cast("JsonObject", written)) for name, written in self.variables.items()}
        return Prompt(self.prompt, tuple(messages), variables, self.partials, self.text is not None, self.description, tuple(self.tags))


def prompt_of(document: JsonObject) -> Prompt:
    """One that was published."""
    return PromptDocument.model_validate(document).as_prompt()


def _messages(written: list[MessageDocument]) -> list[PromptMessage]:
    return [PromptMessage(message.role, message.content) for message in written]


def _variable(name: str, written: JsonObject) -> PromptVariable:
    said = written.get("required", True)
    ours = _OURS if isinstance(said, bool) else _OURS - {"required"}
    schema: Mapping[str, Json] = {key: value for key, value in written.items() if key not in ours}
    description = str(written.get("description", ""))
    return PromptVariable(name, schema, description, written.get("default"), "default" in written, said is not False)
