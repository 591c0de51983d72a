"""Writes deploy/grafana/dashboards from `tools.grafana.boards`: `python -m tools.dashboards`. A test holds the files to what this makes."""

import json
from pathlib import Path
from typing import Final

from tools.grafana.boards import BOARDS
from tools.grafana.panels import document

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "deploy" / "grafana" / "dashboards"


def files() -> dict[str, str]:
    """File name -> text."""
    return {f"{board.uid}.json": json.dumps(document(board), indent=2) + "\n" for board in BOARDS}


def main() -> None:
    for stale in TARGET.glob("*.json"):
        stale.unlink()
    for name, text in files().items():
        (TARGET / name).write_text(text, encoding="utf-8")
        print((TARGET / name).relative_to(ROOT))


if __name__ == "__main__":
    main()
