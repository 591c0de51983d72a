"""`weft run --record`: a cassette of a run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from application.access import LOCAL_ADMIN
from application.cassettes import Recording
from interface.cli.documents import is_file, must_be_writable, read_document, write_text
from interface.cli.failures import CommandFailed
from interface.yaml import Room

if TYPE_CHECKING:
    from pydantic import JsonValue

    from application.cassettes.documents import Cassette
    from application.run_views import RunView
    from interface.cli.launcher import App

ROOM: Final = Room(bytes=64 * 1024 * 1024, values=5_000_000)
"""Of a cassette."""
_SUFFIXES: Final = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Recorder:
    """Writes `file` whenever the run comes to a stop: to its end, or to a person. `reference`: the workflow, as it was named."""

    reference: str
    file: Path
    tape: Recording = field(default_factory=Recording)

    def __post_init__(self) -> None:
        if self.file.suffix not in _SUFFIXES:
            raise CommandFailed(f"{self.file}: a cassette's name ends in {', '.join(_SUFFIXES)}")
        must_be_writable(self.file)

    async def keep(self, app: "App", run: "RunView") -> None:
        from application.cassettes.recording import cassette_of

        write_cassette(await cassette_of(app.desk, run, await self._document(app), self.tape), self.file)

    async def _document(self, app: "App") -> "JsonValue":
        if is_file(self.reference):
            found: JsonValue = read_document(Path(self.reference)).document
            return found
        name, _, version = self.reference.partition("@")
        return (await app.desk.get_workflow(LOCAL_ADMIN, name, version or None)).document


def write_cassette(cassette: "Cassette", file: Path) -> None:
    """YAML, or JSON where its name says so."""
    import json

    from interface.yaml_writing import dump_document

    document = cassette.document()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(document, indent=2, ensure_ascii=False) if file.suffix == ".json" else dump_document(document), file)


def read_cassette(file: Path) -> "Cassette":
    from application.cassettes.documents import cassette_from
    from application.errors import ValidationError
    from interface.cli.failures import of_weft_error

    try:
        return cassette_from(read_document(file, ROOM).document)
    except ValidationError as error:
        raise of_weft_error(error, str(file)) from error
