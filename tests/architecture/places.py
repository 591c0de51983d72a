"""Where the code under judgement stands."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
DOMAIN = SRC / "domain"
