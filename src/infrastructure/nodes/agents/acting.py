"""The calls of one turn: approved one after the other, made side by side, each kept by itself."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from domain.errors import Failure, NodeExecutionError, ToolNotFound, ValidationError, WeftError, failure_of
from domain.json import Json, JsonObject
from domain.ports.effects import Effect, Performed
from domain.ports.nodes import NodeContext, Park
from domain.question import Answer
from domain.tool import Effects
from infrastructure.models.texts import shortest_json
from infrastructure.nodes.agents.judging import tool_context
from infrastructure.nodes.agents.members import Member, there
from infrastructure.nodes.agents.node import AgentNode
from infrastructure.nodes.agents.turns import Call, Result, Verdict
from infrastructure.nodes.approving import answers_of, arguments_of, hash_of
from infrastructure.nodes.tool import FailedCall, charged_when_cut_off

MOST_TOLD_BYTES: Final = 64 * 1024
"""Of what a tool returned, the model is told so much."""


class Waits(BaseException):
    """Somebody has to be asked first. No `Exception`: nothing failed, and of the call that was not made nothing is kept."""

    def __init__(self, park: Park) -> None:
        super().__init__(park.waiting_for)
        self.park = park


@dataclass(frozen=True, slots=True)
class Approved:
    """What the tool is told, and by whose leave; or, in `told`, why it is not called."""

    arguments: JsonObject
    by: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """Of one agent in one turn. `began_in`: the attempt in which the conversation began."""

    node: AgentNode
    context: NodeContext
    member: Member
    began_in: int

    async def __call__(self, calls: Sequence[Call], seconds: float | None) -> dict[str, Result]:
        """By id. They are begun in the order in which the model asked, the same whenever it is run again."""
        approved = {call.id: await self._approved(call) for call in calls if call.verdict in (Verdict.CALL, Verdict.ASK)}
        results = {id: Result(one.told) for id, one in approved.items() if one.told}
        due = [call for call in calls if call.id in approved and call.id not in results]
        made = await asyncio.gather(*[self._begun(call, approved[call.id], seconds) for call in due])
        return results | {call.id: result for call, result in zip(due, made, strict=True)}

    async def _approved(self, call: Call) -> Approved:
        arguments = self._whole(call)
        if call.verdict is Verdict.CALL:
            return Approved(arguments)
        tool = self.member.offers[call.name].written.tool
        try:
            shown = hash_of(tool, arguments)
        except ValidationError as error:
            return Approved({}, told=f"not called: {error.message}")

        async def make(effect: int) -> Performed:
            answer = self.context.answer
            if answer is None or not _is_about(answer, call):
                raise Waits(self._question(call, tool, arguments, shown))
            return Performed(_decided(answer, tool, editable=self.node.may_edit))

        kept = cast(Mapping[str, Json], await self.context.perform(Effect("approval", tool, call.asked), make))
        return Approved(cast(JsonObject, kept["arguments"]), str(kept["by"]), str(kept["told"]))

    def _question(self, call: Call, tool: str, arguments: JsonObject, shown: str) -> Park:
        found = there(self.node.workshop.tools, self.member.offers[call.name])
        answers = answers_of({} if found is None else found.parameters, shown, editable=self.node.may_edit)
        show: JsonObject = {"tool": tool, "arguments": arguments, "hash": shown, "call": call.id, "agent": self.member.name}
        return self.node.asked.park(self.context, show, answers)

    def _begun(self, call: Call, approved: Approved, seconds: float | None) -> Awaitable[Result]:
        tool = self.member.offers[call.name].written.tool
        found = there(self.node.workshop.tools, self.member.offers[call.name])
        most = None if found is None else found.most

        async def make(effect: int) -> Performed:
            told = replace(
                tool_context(self.context, self.member),
                idempotency_key=self._key(effect),
                deadline_seconds=seconds,
                approved_by=approved.by,
                effects=call.effects,
            )
            try:
                with charged_when_cut_off(most):
                    result = await self.node.workshop.tools.call(tool, approved.arguments, told)
            except ToolNotFound as error:  # removed since
                return Performed(Result(_failed(failure_of(error))).as_json())
            usage = result.used_by(tool)
            if result.error is not None and result.unknown and call.effects is Effects.ONCE:
                raise FailedCall(result.error, usage, is_answer=False)
            content = _failed(result.error) if result.error is not None else as_told(result.output)
            return Performed(Result(content, usage).as_json(), usage)

        def told_by(output: Json) -> Json:
            return Result(as_told(output), most).as_json()

        effect = Effect("tool", tool, call.asked, most, call.effects, approved.arguments, told_by, key=self._key)
        return _result(self.context.perform(effect, make))

    def _key(self, effect: int) -> str:
        """A conversation that begins anew counts its calls from 1 again, and they are others."""
        key = self.context.idempotency_key(effect)
        return key if self.began_in == 1 else f"{key}/{self.began_in}"

    def _whole(self, call: Call) -> JsonObject:
        """With what the author gives: that the model cannot change."""
        given = self.member.offers[call.name].given
        return call.arguments if given is None else {**call.arguments, **cast(JsonObject, given(self.context.scope))}


def _is_about(answer: Answer, call: Call) -> bool:
    show = answer.about["show"]
    return isinstance(show, Mapping) and show.get("call") == call.id


def _decided(answer: Answer, tool: str, *, editable: bool) -> Json:
    try:
        return {"arguments": arguments_of(answer, tool, editable=editable), "by": answer.by, "told": ""}
    except NodeExecutionError as error:
        return {"arguments": {}, "by": answer.by, "told": f"not called: {error.message}"}


async def _result(performed: Awaitable[Json]) -> Result:
    try:
        return Result.of(await performed)
    except WeftError as error:
        if getattr(error, "is_answer", False):  # a person decided that a lost call failed
            return Result(_failed(failure_of(error)))
        raise


def _failed(failure: Failure) -> str:
    return f"failed ({failure.code}): {failure.message}"


def as_told(output: Json) -> str:
    text = output if isinstance(output, str) else shortest_json(output)
    written = text.encode("utf-8", "replace")
    if len(written) <= MOST_TOLD_BYTES:
        return text
    shown = written[:MOST_TOLD_BYTES].decode("utf-8", "ignore")
    return f"{shown}\n[cut: these are the first {MOST_TOLD_BYTES} of {len(written)} bytes]"
