"""One conversation of an agent, from its beginning to its answer. Run again after a crash it goes the same way: what it decides by is in
the journal, or follows from it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from domain.json import Json, JsonObject
from domain.model import FinishReason, ModelResponse
from domain.ports.effects import Effect, Performed
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.usage import Usage, UsageTotal
from infrastructure.models.documents import digest_of
from infrastructure.nodes.agents.acting import Hands, Waits
from infrastructure.nodes.agents.guards import Ended, Handoffs, OutOf, Repeats
from infrastructure.nodes.agents.members import HANDOFF, Member
from infrastructure.nodes.agents.node import AgentNode
from infrastructure.nodes.agents.speaking import Speaker, TurnRequest
from infrastructure.nodes.agents.telling import asked, used_as_json
from infrastructure.nodes.agents.turns import MOST_CALLS, Call, Result, Turn, Verdict
from infrastructure.nodes.answers import Unfit, parse_answer
from infrastructure.nodes.conversing import conversation_of

_LAST_SHOWN: Final = 500


@dataclass(slots=True)
class Talk:
    node: AgentNode
    context: NodeContext
    member: Member = field(init=False)
    messages: list[JsonObject] = field(default_factory=list)
    digest: str = ""
    turns: int = 0
    used: UsageTotal = field(default_factory=UsageTotal)
    plan: Json = None
    text: str = ""
    prompt: str = ""
    repairs: bool = False
    handoffs: Handoffs = field(init=False)
    _repeats: Repeats = field(init=False)
    _speaker: Speaker = field(init=False)
    _began: float = field(init=False)
    _began_in: int = field(init=False)

    def __post_init__(self) -> None:
        config = self.node.config
        self.member, self._began = self.node.first, self.context.now()
        self.handoffs, self._repeats = Handoffs(config.max_handoffs, config.ping_pong_limit), Repeats(config.repeat_limit)

    async def held(self) -> Outcome:
        try:
            await self._begin()
            return Finished(await self._answered())
        except Waits as waits:
            return waits.park
        except OutOf as reached:
            if self.node.config.on_limit == "fail":
                raise
            return Finished(self._output(None, stopped_by=reached.code))

    async def _begin(self) -> None:
        """What it begins with is kept: the state that its templates read may be another one when it is run again."""
        node, scope = self.node, self.context.scope

        async def make(effect: int) -> Performed:
            said = node.instructions(scope)
            if node.prompt is not None:
                given, prompt = node.prompt(self.context), node.prompt.reference(self.context)
            else:
                given, prompt = conversation_of(node.messages(scope) if node.messages else None), ""
            return Performed({"instructions": said, "messages": given, "prompt": prompt, "attempt": self.context.attempt})

        kept = cast(Mapping[str, Json], await self.context.perform(Effect("begin", node.first.name, ""), make))
        self._began_in = cast(int, kept["attempt"])
        messages = cast(Sequence[JsonObject], kept["messages"])
        said, self.prompt = cast(Mapping[str, str], kept["instructions"]), str(kept["prompt"])
        self._speaker = Speaker(node, self.context, said, len(messages), self.prompt)
        for message in messages:
            self._add(message)

    async def _answered(self) -> Json:
        while True:
            turn = await self._turn()
            if turn.unreadable:
                self._add({"role": "user", "content": f"Your answer could not be read: {turn.unreadable}. Answer again."})
            elif turn.calls:
                await self._act(turn)
            elif (output := self._ended(turn)) is not None:
                return output

    async def _turn(self) -> Turn:
        config = self.node.config
        if self.turns == config.max_turns:
            raise OutOf(f"the agent has had {self.turns} turns and is not done; `max_turns` is {config.max_turns}", "turns")
        number = self.turns + 1
        self.context.tell(f"turn {number} of at most {config.max_turns}: {self.member.name}{self._shown_plan()}")
        request = TurnRequest(number, self.member, tuple(self.messages), self.digest, self.used.cost, self.repairs)
        await asyncio.sleep(0)  # a long conversation that is played back lets others run too
        turn = await self._speaker(request, self._seconds_left())
        if turn.stopped:
            raise OutOf(turn.stopped, "cost")
        self.turns, self.text = number, turn.text or self.text
        self._use(turn.usage)
        return turn

    async def _act(self, turn: Turn) -> None:
        told = self._repeats.look_at(turn.calls)
        due = [call for call in turn.calls if call.id not in told]
        results = await Hands(self.node, self.context, self.member, self._began_in)(due, self._seconds_left())
        if any(call.verdict in (Verdict.CALL, Verdict.ASK) for call in due):
            self.handoffs.work_was_done()
        for result in results.values():
            self._use(result.usage)
        contents = [told.get(call.id) or self._content(call, results) for call in turn.calls]
        if turn.left_out:
            contents[-1] += f"\n{turn.left_out} more calls of this answer were not made: at most {MOST_CALLS} at once."
        self._add(asked(turn))
        for call, content in zip(turn.calls, contents, strict=True):
            self._add({"role": "tool", "tool_call_id": call.id, "content": content})

    def _content(self, call: Call, results: Mapping[str, Result]) -> str:
        match call.verdict:
            case Verdict.PLAN:
                return self._keep_plan(call.arguments)
            case Verdict.HANDOFF:
                return self._hand_over(call)
            case Verdict.TOLD:
                return call.told
            case _:
                return results[call.id].content

    def _keep_plan(self, said: JsonObject) -> str:
        self.plan = said["steps"]
        return "The plan is kept."

    def _shown_plan(self) -> str:
        """Beside the turn: of what is told at once only the last is seen."""
        steps = cast(Sequence[Mapping[str, Json]], self.plan or ())
        return "; plan: " + ", ".join(f"{step['text']} ({step['status']})" for step in steps) if steps else ""

    def _hand_over(self, call: Call) -> str:
        giver, taker = self.member.name, call.name.removeprefix(HANDOFF)
        self.handoffs.hand_over(giver, taker)
        self.member = self.node.members[taker]
        message = str(call.arguments.get("message") or "")
        return f"You are {taker} now; {giver} handed over to you" + (f": {message}" if message else ".")

    def _ended(self, turn: Turn) -> Json:
        """The output; None when the answer has to be mended first, which it is asked for once."""
        schema, self.text = self.node.answer, turn.text
        if schema is None:
            self._add({"role": "assistant", "content": turn.text})
            return self._output(None)
        try:
            json = parse_answer(ModelResponse(turn.text, "", FinishReason.STOP, Usage("", 0, 0)), schema)
        except Unfit as error:
            if self.repairs:
                message = f"{error.why}. It was asked twice; its last answer begins: {turn.text[:_LAST_SHOWN]}"
                raise Ended(message, error.code, retryable=True) from None
            self.repairs = True
            self._add({"role": "assistant", "content": turn.text})
            self._add({"role": "user", "content": f"{error.why}. Answer again, with JSON alone."})
            return None
        self._add({"role": "assistant", "content": turn.text})
        return self._output(json)

    def _output(self, json: Json, stopped_by: str | None = None) -> Json:
        prompt = self.prompt
        return {
            **({"prompt": prompt} if prompt else {}),
            "text": self.text,
            "json": json,
            "messages": list(self.messages),
            "turns": self.turns,
            "agent": self.member.name,
            "handoffs": [{"from": giver, "to": taker} for giver, taker in self.handoffs.made],
            "plan": self.plan,
            "usage": used_as_json(self.used),
            "stopped_by": stopped_by,
        }

    def _add(self, message: JsonObject) -> None:
        self.messages.append(message)
        self.digest = digest_of([self.digest, self.member.name, message])

    def _use(self, usage: Usage | None) -> None:
        if usage is not None:
            self.used = self.used.plus(usage)

    def _seconds_left(self) -> float | None:
        given = self.context.deadline_seconds
        return None if given is None else max(given - (self.context.now() - self._began), 0.001)
