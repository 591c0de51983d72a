"""Where the time of a relayed token goes, part by part: the streams of benchmarks.relay, the service sampled while it relays them.

    python -m benchmarks.relay_profile [--quick]

Writes the table of docs/benchmarks.md unless it was quick; prints it.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.page import PAGE, put, table
from benchmarks.relay import CHUNKS, STREAMS, provider, relayed, variables_of
from tests.servers.commands import commands
from tests.servers.until import until

TOP: Final = 10


async def profiled(chunks: int) -> tuple[float, Counter[str]]:
    """CPU seconds of the service, and samples by part."""
    with TemporaryDirectory() as name, commands(Path(name) / "weft", {"PYTHONDONTWRITEBYTECODE": ""}) as started:
        folder, root = Path(name), Path(__file__).parent.parent
        port, found = provider(started, folder, chunks), folder / "samples.json"
        variables = variables_of(port, "openai", folder / "profiled.db")
        serving = started.module(
            "benchmarks.sampled", str(found), "serve", "--port", "0", PYTHONPATH=f"{root / 'src'}{os.pathsep}{root}", **variables
        )
        took = await relayed(serving, port, chunks, samples=True)
        until(found.exists, "the samples", 10.0)
        return took, Counter(json.loads(found.read_text()))


def text_of(micros: float, samples: Counter[str]) -> str:
    """`micros`: of all parts of one chunk."""
    total = samples.total()
    rows = [(part, f"{micros * count / total:.1f}", f"{100 * count / total:.0f} %") for part, count in samples.most_common(TOP)]
    last = ("**a chunk**", f"**{micros:.1f}**", "")
    return f"{total:,} samples.\n\n{table(('part', 'µs', 'share'), [*rows, last])}"


def main() -> None:
    chunks = CHUNKS // 10 if sys.argv[1:] == ["--quick"] else CHUNKS
    took, samples = asyncio.run(profiled(chunks))
    text = text_of(took / (STREAMS * chunks) * 1e6, samples)
    print(text)
    if chunks == CHUNKS:
        put(PAGE, "relay-profile", text)


if __name__ == "__main__":
    main()
