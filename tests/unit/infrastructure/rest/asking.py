"""What the tests of REST tools share: a tool made of its document as a service makes it, and called over real connections."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain.errors import SecretRefused, ValidationError
from domain.ids import TenantId
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import ToolExecutionResult, ToolType
from infrastructure.outgoing.addresses import Addresses, Allowed, Resolve, resolve
from infrastructure.outgoing.door import Door
from infrastructure.outgoing.messages import Ask, Asks
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.described import Described
from infrastructure.tools.rest.calls import RestTools
from infrastructure.tools.rest.reading import read_config
from infrastructure.tools.rest.requests import request
from infrastructure.tools.rest.templates import Given
from tests.servers.speaker import Speaker
from tests.unit.infrastructure.tool_calls import CONTEXT, HandClock

SECRET = "s3cr3t/+with signs"
API = "https://api.example.com"


@dataclass
class KnownSecrets:
    """`values` by name; `barred`: places that none of them is for; `asked`: which was wanted for which tenant and place."""

    values: dict[str, str] = field(default_factory=lambda: {"key": SECRET})
    barred: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def must_be_for(self, name: str, tenant: TenantId, origin: str) -> None:
        if name not in self.values or origin in self.barred:
            raise SecretRefused(f"there is no secret {name} for {origin}")

    async def get(self, name: str, tenant: TenantId, origin: str) -> str:
        self.must_be_for(name, tenant, origin)
        self.asked.append((name, tenant, origin))
        return self.values[name]


def schema(*required: str, **properties: Any) -> dict[str, Any]:
    """Of arguments; `x=None`: of any type."""
    named = {name: {} for name in required} | {name: one or {} for name, one in properties.items()}
    return {"type": "object", "properties": named, "required": list(required), "additionalProperties": False}


@dataclass
class Desk:
    """Makes REST tools that may reach `places`. Its clock is moved by hand, and jitter is always the longest."""

    places: Sequence[str] = ()
    clock: HandClock = field(default_factory=HandClock)
    secrets: KnownSecrets = field(default_factory=KnownSecrets)
    context: ToolContext = CONTEXT
    resolve: Resolve = resolve
    door: Asks | None = None

    def __post_init__(self) -> None:
        self.addresses = Addresses(Allowed(names=tuple(self.places)), self.resolve)
        self.maker = RestTools(self.door or Door(self.addresses), self.addresses, self.secrets, self.clock, lambda: 1.0)

    def tool(self, config: dict[str, Any], parameters: dict[str, Any] | None = None, effects: str = "none", **more: Any) -> CheckedTool:
        document: dict[str, Any] = {"name": "ours", "type": "rest", "description": "Ours.", "effects": effects, "config": config, **more}
        if parameters is not None:
            document["parameters"] = parameters
        return Described(JsonSchemas(), {ToolType.REST: self.maker}).checked(document)

    def problems(self, config: dict[str, Any], parameters: dict[str, Any] | None = None, effects: str = "none") -> set[tuple[str, str]]:
        """Pointers into the config, and codes."""
        try:
            self.tool(config, parameters, effects)
        except ValidationError as error:
            return {(problem.pointer.removeprefix("/config"), problem.code) for problem in error.problems}
        return set()

    async def call(self, tool: CheckedTool, **arguments: Json) -> ToolExecutionResult:
        return await tool.call(arguments, self.context, self.clock)

    def within(self, seconds: float) -> None:
        self.context = replace(self.context, deadline_seconds=seconds)


def desk_at(*speakers: Speaker) -> Desk:
    return Desk([speaker.place for speaker in speakers])


def asked(config: dict[str, Any], context: ToolContext = CONTEXT, required: str = "", **arguments: Any) -> Ask:
    """What would be sent for a call of a tool with the arguments a, b and deep."""
    desk = Desk()
    tool = desk.tool({"url": API, **config}, schema(*required.split(), a=None, b=None, deep=None)).tool
    spec, problems = read_config({"url": API, **config}, tool, desk.addresses)
    assert spec is not None, problems
    return request(spec, Given(arguments, {"key": SECRET}), context)
