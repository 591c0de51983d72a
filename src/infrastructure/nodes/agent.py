"""`agent`: a model that calls tools, hands over to other agents and goes on until it has an answer. Output: `text, json, messages, turns,
agent, handoffs, plan, usage, stopped_by`, and with a published prompt `prompt`, as `support/answer@3`."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.errors import ToolNotFound
from domain.graph.definition import Join, Node
from domain.graph.permitted import agent_name
from domain.json import JsonObject
from domain.ports.nodes import Executor, Inspection, NodeContext, Outcome, Workshop
from domain.question import OnDeadline
from domain.tool import Effects
from infrastructure.nodes.agents.config import AgentConfig, Other, Tools, name_of, tool_of
from infrastructure.nodes.agents.members import HANDOFF, PLAN, members_of
from infrastructure.nodes.agents.node import AgentNode
from infrastructure.nodes.agents.talk import Talk
from infrastructure.nodes.approving import Approval
from infrastructure.nodes.asking import catches
from infrastructure.nodes.config import read_config, schema_of
from infrastructure.nodes.findings import Findings, step
from infrastructure.nodes.llm import unknown_model
from infrastructure.nodes.prompting import look_at_prompt, prompting


@dataclass(frozen=True, slots=True)
class AgentKind:
    name: str = "agent"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(AgentConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        config, findings = read_config(AgentConfig, node), Findings(workshop)
        look_at_prompt(findings, config.prompt)
        findings.value("/messages", config.messages)
        if config.response_schema is not None:
            findings.schema("/response_schema", config.response_schema)
        _look_at_agent(findings, "", config.model, config.instructions, config.tools)
        for name, other in config.handoffs.items():
            _look_at_other(findings, f"/handoffs{step(name)}", other, {agent_name(node.id), *config.handoffs})
        if agent_name(node.id) in config.handoffs:
            taken = agent_name(node.id)
            findings.problem(f"/handoffs{step(taken)}", "name_taken", f"`{taken}` is the agent that begins: it is called as its node is")
        _look_at_approvals(findings, config)
        asked = config.approval
        return findings.inspection(fails_with=() if asked is None else catches(asked.on_deadline, "/approval/on_deadline"))

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config = read_config(AgentConfig, node)
        members, approval = members_of(node, config, workshop), config.approval or Approval()
        agent = AgentNode(
            config,
            workshop,
            members,
            members[agent_name(node.id)],
            prompting(config.prompt, workshop) if config.prompt else None,
            None if config.messages is None else workshop.expressions.value(config.messages),
            approval.compiled(approval.on_deadline, workshop),
            None if config.response_schema is None else workshop.schemas.compile(config.response_schema),
        )

        async def talk(context: NodeContext) -> Outcome:
            return await Talk(agent, context).held()

        return Executor(talk, effects=_touches_the_world(config, workshop), performs=True)


def _touches_the_world(config: AgentConfig, workshop: Workshop) -> bool:
    return any(_effects_of(name, workshop) is not Effects.NONE for name in _all_tools(config))


def _effects_of(tool: str, workshop: Workshop) -> Effects:
    try:
        return workshop.tools.get(tool).effects
    except ToolNotFound:  # removed since: it does nothing
        return Effects.NONE


def _all_tools(config: AgentConfig) -> Iterator[str]:
    for tools in (config.tools, *(other.tools for other in config.handoffs.values())):
        yield from (tool_of(offered).tool for offered in tools)


def _look_at_other(findings: Findings, at: str, other: Other, known: set[str]) -> None:
    _look_at_agent(findings, at, other.model or "", other.instructions, other.tools)
    for index, name in enumerate(other.handoffs or ()):
        if name not in known:
            message = f"there is no agent `{name}`; there are {', '.join(sorted(known))}"
            findings.problem(f"{at}/handoffs{step(index)}", "unknown_agent", message)


def _look_at_agent(findings: Findings, at: str, model: str, instructions: str, tools: Tools) -> None:
    models = findings.workshop.models
    if model and not models.known(model):
        findings.problem(f"{at}/model", "unknown_model", unknown_model(model, models.cards()))
    findings.template(f"{at}/instructions", instructions)
    names: set[str] = set()
    for index, offered in enumerate(tools):
        pointer, name, written = f"{at}/tools{step(index)}", name_of(offered), tool_of(offered)
        try:
            known = findings.workshop.tools.get(written.tool).parameters.get("properties")
        except ToolNotFound as error:
            findings.problem(pointer, "unknown_tool", error.message)
            continue
        findings.value(f"{pointer}/arguments", written.arguments)
        for argument in written.arguments:
            if isinstance(known, dict) and argument not in known:
                message = f"`{written.tool}` takes no `{argument}`; it takes {', '.join(known) or 'nothing'}"
                findings.problem(f"{pointer}/arguments{step(argument)}", "unknown_argument", message)
        if name in names or name == PLAN or name.startswith(HANDOFF):
            findings.problem(pointer, "name_taken", f"the model knows another tool as `{name}`: give this one a `name` of its own")
        names.add(name)


def _look_at_approvals(findings: Findings, config: AgentConfig) -> None:
    known = {name_of(offered) for tools in (config.tools, *(other.tools for other in config.handoffs.values())) for offered in tools}
    for name in config.approvals:
        if name not in known:
            message = f"no agent here has a tool `{name}`; there are {', '.join(sorted(known)) or 'none'}"
            findings.problem(f"/approvals{step(name)}", "unknown_tool", message)
    if config.approval is not None:
        config.approval.look_at("/approval", findings)
        if config.approval.on_deadline is OnDeadline.DEFAULT:
            findings.problem("/approval/on_deadline", "no_default", "nothing is approved by default: say `fail` or `edge`")


kind = AgentKind()
