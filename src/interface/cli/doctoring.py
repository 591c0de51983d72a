"""`weft doctor` on the screen."""

import typer

from interface.cli.failures import Exit
from interface.cli.launcher import Launcher, quiet
from interface.cli.printing import print_json, print_table


async def examine(launcher: Launcher, as_json: bool, **flags: object) -> None:
    """Ends with 1 when something failed."""
    found = await launcher.examine(log=quiet(), **flags)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        rows = [(line.verdict.value, line.what, f"{line.says}: {line.do}" if line.do else line.says) for line in found.findings]
        print_table(("", "WHAT", "HOW IT IS"), rows)
    if not found.healthy:
        raise typer.Exit(Exit.FAILED)
