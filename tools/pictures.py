"""Draw the examples again: python -m tools.pictures"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from application.documents import parse_graph
from infrastructure.pictures.svg import to_svg
from interface.yaml import load_document

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLES: Final = ROOT / "examples"
PICTURES: Final = ROOT / "docs" / "pictures"


def drawn() -> Iterator[tuple[Path, str]]:
    """Where each example's picture stands, and what it should be."""
    for file in sorted(EXAMPLES.glob("*.yaml")):
        graph = parse_graph(load_document(file.read_bytes(), file.suffix).document)
        yield PICTURES / f"{file.stem}.svg", to_svg(graph)


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for picture, text in drawn():
        picture.write_text(text, encoding="utf-8")
        print(picture.relative_to(ROOT))


if __name__ == "__main__":
    main()
