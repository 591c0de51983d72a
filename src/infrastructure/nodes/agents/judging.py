"""What is to become of the calls that a model asks for. It is decided once, where the answer comes in, and kept with it: a policy or a
tool that changes later does not change what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from domain.errors import Forbidden
from domain.json import JsonObject
from domain.model import ToolCall
from domain.ports.nodes import NodeContext
from domain.ports.schemas import Schemas
from domain.ports.tools import ToolContext, Tools
from domain.tool import Effects, Tool
from infrastructure.nodes.agents.config import Consent
from infrastructure.nodes.agents.members import HANDOFF, PLAN, PLAN_SCHEMA, Member, Offer, there
from infrastructure.nodes.agents.turns import MOST_CALLS, Call, Verdict
from infrastructure.nodes.tool_calls import called_by

_SHOWN = 5


def tool_context(context: NodeContext, member: Member) -> ToolContext:
    """As the agent calls: what its list does not name it may not call."""
    return replace(called_by(context), agent=member.name, agent_permissions=member.permissions)


@dataclass(slots=True)
class Judge:
    """Of one turn. `left`: what the tools of the turn may cost together, None for no limit."""

    tools: Tools
    schemas: Schemas
    context: NodeContext
    member: Member
    plans: bool
    left: Decimal | None
    _handed_over: bool = field(default=False, init=False)

    def judged(self, turn: int, calls: Sequence[ToolCall]) -> tuple[Call, ...]:
        return tuple(self._judged(f"t{turn}c{number}", call) for number, call in enumerate(calls[:MOST_CALLS], 1))

    def _judged(self, id: str, call: ToolCall) -> Call:
        effects = Effects.NONE
        offer = self.member.offers.get(call.name)
        tool = None if offer is None else there(self.tools, offer)
        if call.name == PLAN and self.plans:
            verdict, told = self._fits(call.arguments, PLAN_SCHEMA, Verdict.PLAN)
        elif call.name.startswith(HANDOFF) and offer is None:
            verdict, told = self._handoff(call.name.removeprefix(HANDOFF))
        elif offer is None or tool is None:
            verdict, told = Verdict.TOLD, f"there is no tool {call.name[:100]}; {self._known_ones()}"
        else:
            effects = tool.effects
            verdict, told = self._tool(offer, tool, call.arguments)
        return Call(id, call.name, call.arguments, verdict, told, effects)

    def _handoff(self, name: str) -> tuple[Verdict, str]:
        if name not in self.member.hands_to:
            return Verdict.TOLD, f"nobody is called {name[:100]}; there are {', '.join(self.member.hands_to) or 'no others'}"
        if self._handed_over:
            return Verdict.TOLD, "not done: only one handoff at a time, and this answer has another one before it"
        self._handed_over = True
        return Verdict.HANDOFF, ""

    def _tool(self, offer: Offer, tool: Tool, arguments: JsonObject) -> tuple[Verdict, str]:
        if offer.consent is Consent.DENY:
            return Verdict.TOLD, f"not called: {offer.name} is denied here"
        verdict, told = self._fits(arguments, offer.parameters(tool), Verdict.CALL)
        if verdict is Verdict.TOLD:
            return verdict, told
        if lacking := self._too_dear(tool):
            return Verdict.TOLD, lacking
        try:
            allowed = self.tools.must_be_allowed(tool.name, tool_context(self.context, self.member))
        except Forbidden as error:
            return Verdict.TOLD, f"not called: {error.message}"
        return (Verdict.CALL if allowed and offer.consent is Consent.AUTO else Verdict.ASK), ""

    def _fits(self, arguments: JsonObject, schema: JsonObject, verdict: Verdict) -> tuple[Verdict, str]:
        problems = self.schemas.compile(schema).problems(arguments)[:_SHOWN]
        if not problems:
            return verdict, ""
        found = "; ".join(f"{problem.pointer or 'the arguments'}: {problem.message}" for problem in problems)
        return Verdict.TOLD, f"not called: the arguments do not fit: {found}"

    def _too_dear(self, tool: Tool) -> str:
        if tool.cost is None or self.left is None:
            return ""
        if tool.cost.amount > self.left:
            return f"not called: it costs {tool.cost.amount} {tool.cost.currency}, and {self.left} is left of `max_cost_usd`"
        self.left -= tool.cost.amount
        return ""

    def _known_ones(self) -> str:
        known = [name for name, offer in self.member.offers.items() if offer.consent is not Consent.DENY]
        return f"there are {', '.join(known)}" if known else "there are none"
