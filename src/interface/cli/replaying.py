"""A cassette that is played, and what came out otherwise."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from application.cassettes import Compared, Playback
from application.errors import ValidationError
from interface.cli.changes import moved
from interface.cli.documents import is_file, read_document
from interface.cli.failures import CommandFailed, of_weft_error
from interface.cli.launcher import Launcher
from interface.cli.printing import money

if TYPE_CHECKING:
    from pydantic import JsonValue

    from application.cassettes import AskedOtherwise
    from application.cassettes.documents import Cassette
    from application.cassettes.playing import Changed

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it, and what of the tape was asked otherwise, is missing, or was not asked."""

    compared: Compared
    tape: Playback

    @property
    def is_same(self) -> bool:
        return self.compared.same and not self.tape.missing

    @property
    def is_asked_the_same(self) -> bool:
        return not self.tape.otherwise and not self.tape.unused


def replayed(launcher: Launcher, cassette: "Cassette", changed: "Changed", models: Mapping[str, str], **flags: object) -> Replayed:
    """Played here and now, whatever it waited for then. `CommandFailed` where the workflow is none."""
    from application.cassettes.playing import play, tape_of

    tape = tape_of(cassette, dict(models))

    async def played() -> Replayed:
        async with launcher.open_taped(tape, models=dict(models) or None, **flags) as app:
            return Replayed(Compared(cassette.came.came(), await play(app, cassette, tape, changed)), tape)

    with asyncio.Runner(loop_factory=launcher.leaping_loop) as runner:
        try:
            return runner.run(played())
        except ValidationError as error:
            raise of_weft_error(error) from error


def must_be_asked(found: Replayed, models: Iterable[str]) -> None:
    """A name that stands for another model, and that nobody asks, is a slip of the pen: nothing would come out otherwise."""
    tape = found.tape
    recorded = {call.name for call in tape.calls if call.kind == "model"}
    asked = recorded | {one.name for one in tape.otherwise} | {one.name for one in tape.missing}
    if unknown := [name for name in models if name not in asked]:
        raise CommandFailed(f"--model {unknown[0]}: no call asks for that; they ask for {', '.join(sorted(asked)) or 'no model'}")


def document_of(launcher: Launcher, reference: str | None, database: str | None) -> "dict[str, JsonValue] | None":
    """Of a file, or of a workflow that is published in the database; None: the recorded one."""
    if reference is None:
        return None
    if not is_file(reference):
        return asyncio.run(_published(launcher, reference, database))
    document = read_document(Path(reference)).document
    if not isinstance(document, dict):
        raise CommandFailed(f"{reference} is not a workflow document, which is a mapping")
    return document


def changed_by(launcher: Launcher, workflow: str | None, prompts: Sequence[Path], database: str | None) -> "Changed":
    """`workflow`: a file, or a published name; None: the recorded one."""
    from application.cassettes.playing import Changed
    from application.prompt_documents import PromptDocument
    from interface.fitting import fitted

    def written(file: Path) -> PromptDocument:
        try:
            return fitted(PromptDocument, read_document(file).document)
        except ValidationError as error:
            raise of_weft_error(error, str(file)) from error

    return Changed(document_of(launcher, workflow, database), tuple(map(written, prompts)))


async def _published(launcher: Launcher, reference: str, database: str | None) -> "dict[str, JsonValue] | None":
    from application.access import LOCAL_ADMIN
    from interface.cli.launcher import quiet

    name, _, version = reference.partition("@")
    async with launcher.open_app(patient=False, database_url=database, metrics=False, log=quiet()) as app:
        return (await app.desk.get_workflow(LOCAL_ADMIN, name, version or None)).document


def as_json(found: Replayed) -> dict[str, Any]:
    before, after, tape = found.compared.before, found.compared.after, found.tape
    return {
        "same": found.is_same,
        "status": {"before": before.status, "after": after.status},
        "error": {"before": before.error, "after": after.error},
        "path": {"before": list(before.path), "after": list(after.path), "same": found.compared.same_path},
        "output": [changed(change) for change in found.compared.output_changes],
        "tokens": {"before": before.tokens, "after": after.tokens},
        "cost": {
            "before": _amount(before.cost),
            "after": _amount(after.cost),
            "currency": after.currency,
            "unpriced_calls": after.unpriced,
        },
        "asked_otherwise": [
            {"at": one.at, "name": one.name, "changes": [changed(change) for change in one.changes]} for one in tape.otherwise
        ],
        "not_recorded": [{"at": one.at, "kind": one.kind, "name": one.name} for one in tape.missing],
        "not_asked": [{"at": call.at, "kind": call.kind, "name": call.name} for call in tape.unused],
    }


def changed(change: Any) -> dict[str, Any]:
    """As the changes of a thread are shown."""
    return {"operation": change.operation.value, "field_path": change.path, "old_value": change.old, "new_value": change.new}


def lines_of(found: Replayed) -> Iterator[str]:
    """A line for each thing, unchanged ones in a word."""
    before, after, tape = found.compared.before, found.compared.after, found.tape
    yield _line("ending", _ending(before.status, before.error), _ending(after.status, after.error))
    yield from _path(before.path, after.path)
    changes = found.compared.output_changes
    yield "output  same" if not changes else f"output  {len(changes)} changed"
    yield from _few([f"  {change.path or '/'}  {moved(changed(change))}" for change in changes])
    yield _line("tokens", f"{before.tokens:,}", f"{after.tokens:,}")
    yield _line("cost", _cost(before.cost, before.currency, before.unpriced), _cost(after.cost, after.currency, after.unpriced))
    yield from _few([line for one in tape.otherwise for line in _otherwise(one)])
    yield from _few([f"not recorded: {one.at.strip('/')} asks {one.kind} {one.name}" for one in tape.missing])
    yield from _few([f"not asked any more: {call.at.strip('/')} asked {call.kind} {call.name}" for call in tape.unused])


def _otherwise(one: "AskedOtherwise") -> Iterator[str]:
    yield f"asked otherwise: {one.at.strip('/')} ({one.name})"
    yield from (f"  {change.path}  {moved(changed(change))}" for change in one.changes[:3])


def _path(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    if before == after:
        yield f"path    same, {len(after)} visits"
        return
    yield f"path    {len(before)} -> {len(after)} visits"
    found: list[str] = []
    for what, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            found += [*(f"  - {step}" for step in before[a:b]), *(f"  + {step}" for step in after[c:d])]
    yield from _few(found)


def _few(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"  ... and {len(lines) - _SHOWN} more: --json shows all"


def _line(name: str, before: str, after: str) -> str:
    return f"{name:<8}" + (f"same, {after}" if before == after else f"{before} -> {after}")


def _ending(status: str, error: str) -> str:
    return f"{status} ({error})" if error else status


def _cost(amount: Decimal, currency: str, unpriced: int) -> str:
    return money(amount, currency) + (f" and {unpriced} calls without a known price" if unpriced else "")


def _amount(amount: Decimal) -> str:
    return format(amount, "f")
