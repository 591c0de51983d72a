"""What a tool says, however it says it, leaves without the secrets that were given out."""

from dataclasses import dataclass, field, replace

from domain.errors import ToolError
from domain.json import Json
from domain.ports.secrets import Secrets
from domain.ports.tools import ToolContext
from domain.secret import SecretBinding
from domain.tool import ToolExecutionResult
from infrastructure.secrets.redactor import Redactor
from infrastructure.secrets.resolver import BoundSecrets
from infrastructure.secrets.sources import Environment
from infrastructure.tools.calling import MAX_MESSAGE
from infrastructure.tools.native import native_tool
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import CONTEXT, HandClock

VALUE = "ghp_9f8sT2kLqWv0ZxY7"


@dataclass
class Site:
    redactor: Redactor = field(default_factory=Redactor)
    told: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> Secrets:
        bound = SecretBinding("github", "env", "TOKEN", ("api.github.com",))
        return BoundSecrets({"github": bound}, {"env": Environment({"TOKEN": VALUE})}, self.redactor)

    async def result(self, how: str) -> ToolExecutionResult:
        secrets, tell = self.secrets, self.told.append

        async def careless(how: str, context: ToolContext) -> object:
            value = await secrets.get(
                "github", context.tenant, "http://api.github.com:80" if how == "elsewhere" else "https://api.github.com:443"
            )
            context.tell(f"logging in with {value}")
            if how == "is long":
                raise ToolError(f"{'x' * (MAX_MESSAGE - 10)}{value}")
            if how == "is odd":
                return f"{'x' * 290}{value}"
            if how == "refuses":
                raise ToolError(f"{value} was refused", f"refused_{value}")
            if how == "breaks":
                raise KeyError(value)
            return {"echo": [f"Bearer {value}"], value: True}

        made = native_tool(careless)
        returns: dict[str, Json] = {"type": "string", "maxLength": 20} if how == "is odd" else {}
        tools = tools_of(HandClock(), [replace(made, tool=replace(made.tool, returns=returns))], redact=self.redactor)
        return await tools.call("careless", {"how": how}, replace(CONTEXT, tell=tell))


async def test_its_output_has_the_name_instead() -> None:
    assert (await Site().result("")).output == {"echo": ["Bearer [secret github]"], "[secret github]": True}


async def test_so_has_its_progress() -> None:
    site = Site()
    await site.result("")

    assert site.told == ["logging in with [secret github]"]


async def test_so_has_its_refusal() -> None:
    error = (await Site().result("refuses")).error

    assert error is not None
    assert (error.code, error.message) == ("refused_[secret github]", "[secret github] was refused")


async def test_so_has_what_it_did_not_mean_to_raise() -> None:
    result = await Site().result("breaks")

    assert result.error is not None
    assert result.error.message == "careless raised KeyError: '[secret github]'"
    assert result.unknown


async def test_a_secret_that_is_sent_elsewhere_is_a_refusal_of_the_tool() -> None:
    error = (await Site().result("elsewhere")).error

    assert error is not None
    assert (error.code, error.retryable) == ("secret_refused", False)
    said = "the secret github may not go to http://api.github.com:80, only to api.github.com (https on 443 where no port is named)"
    assert error.message == said


async def test_a_secret_is_taken_out_of_an_error_before_it_is_cut_to_its_length() -> None:
    error = (await Site().result("is long")).error

    assert error is not None
    assert error.message == f"{'x' * (MAX_MESSAGE - 10)}[secret gi"


async def test_what_is_wrong_with_an_output_is_said_without_its_secrets() -> None:
    error = (await Site().result("is odd")).error

    assert error is not None
    assert error.code == "invalid_output"
    assert "ghp_" not in error.message


async def test_a_tool_that_repeats_guesses_says_nothing_of_a_secret() -> None:
    redactor = Redactor()
    redactor.remember("WEFT_API_KEYS", VALUE)
    digits = VALUE.encode().hex()
    guesses = [kind[:length] for kind in (VALUE, digits) for length in range(len(kind))]

    def repeat(guesses: list[str]) -> list[str]:
        return guesses

    tools = tools_of(HandClock(), [native_tool(repeat)], redact=redactor)

    assert (await tools.call("repeat", {"guesses": [*guesses]}, CONTEXT)).output == guesses
