"""What a figure was measured on. Nothing that tells whose machine it is."""

import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def described(postgres: str) -> dict[str, Any]:
    """The first line of the results. `postgres`: the folder of the server's programs."""
    return {
        "case": "machine",
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _after_colon("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(_after_colon("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgres": subprocess.run([Path(postgres) / "postgres", "--version"], capture_output=True, text=True, check=True).stdout.split()[
            2
        ],
    }


def load() -> float:
    """Processes that wanted to run, in the last minute."""
    return round(os.getloadavg()[0], 2)


def _after_colon(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
