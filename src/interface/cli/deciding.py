"""What the policy says, asked of the composition root: no service has to run."""

import sys
from dataclasses import asdict, dataclass

from application.access import Role, local_admin
from application.explaining import PolicyQuestion
from interface.cli.failures import CommandFailed, Exit
from interface.cli.launcher import Launcher, quiet
from interface.cli.printing import print_json, print_table

IN_MEMORY = "memory:"
_OF_THE_TOOL = frozenset({"effects", "types"})
"""What rules may say of a tool beside its name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """As it was typed."""

    tool: str
    role: str | None
    session: str | None
    workflow: str | None
    agent: str

    @property
    def looks_up(self) -> bool:
        return self.session is not None or self.workflow is not None


async def explain(launcher: Launcher, asked: Asked, tenant: str, database: str | None, as_json: bool) -> int:
    """The exit code."""
    if asked.role is not None and asked.role not in list(Role):
        raise CommandFailed(f"--role {asked.role} is not known: use {', '.join(Role)}")
    url = database if asked.looks_up else database or IN_MEMORY
    async with launcher.open_app(patient=False, database_url=url, log=quiet()) as app:
        found = await app.desk.policy.check(local_admin(tenant), PolicyQuestion.model_validate(asdict(asked)))
        rules = app.desk.policy.show(local_admin(tenant)).rules
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print(f"{found.effect.value}: {found.rule} ({found.source})")
        print_table(("LINK", "SAYS", "WHY"), [(one.link, one.effect or "nothing", one.rule) for one in found.links])
    if not found.tool_known:
        print(f"weft: {asked.tool} is not known here, so that rules about `effects` and `types` do not speak of it", file=sys.stderr)
    is_sure = found.tool_known or not any(_OF_THE_TOOL & rule.of.keys() for rule in rules)
    return Exit.DONE if found.effect.value == "allow" and is_sure else Exit.FAILED


async def show(launcher: Launcher, as_json: bool) -> None:
    async with launcher.open_app(patient=False, database_url=IN_MEMORY, log=quiet()) as app:
        found = app.desk.policy.show(local_admin("default"))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    rows = [(rule.id, rule.effect.value, _said(rule.of)) for rule in found.rules]
    print_table(("RULE", "EFFECT", "SPEAKS OF"), [*rows, ("otherwise", found.missing.value, found.source)])


def _said(of: dict[str, list[str]]) -> str:
    return "; ".join(f"{aspect}: {', '.join(entries)}" for aspect, entries in of.items()) or "everything"
