"""Writes the JSON Schema of graph documents for editors, from the code and the node kinds that ship: `python tools/graph_schema.py`."""

import json
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "reference" / "graph.schema.json"
KINDS = ("transform", "llm", "tool", "map", "workflow", "wait", "terminate", "human", "agent")


def main() -> None:
    sys.path.insert(0, str(ROOT / "src"))
    editor_schema = import_module("application.documents").editor_schema
    kinds = {name: import_module(f"infrastructure.nodes.{name}").kind for name in KINDS}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(editor_schema(kinds), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
