"""One commit of PostgreSQL itself: pgbench inserts one row of 100 bytes a transaction, with one client, 8 or 32.

python -m benchmarks.peers.on_pgbench commit.1 --size SECONDS --database DSN
"""

import os
import re
import subprocess

from benchmarks.lines import Order, measure

CREATE = "CREATE TABLE pgbench_rows (id bigserial PRIMARY KEY, run text, number int, body text)"
INSERT = "INSERT INTO pgbench_rows (run, number, body) VALUES ('r', 1, repeat('x', 100));\n"


async def commits(order: Order) -> None:
    """`size`: for how many seconds. The program is the one that came with the server: its path is in WEFT_BENCH_PGBENCH."""
    import asyncpg

    connection = await asyncpg.connect(order.database)
    await connection.execute(CREATE)
    version, fsync = await connection.fetchval("SHOW server_version"), await connection.fetchval("SHOW fsync")
    await connection.close()
    script = order.scratch / "insert.sql"
    script.write_text(INSERT)
    clients = order.case.rpartition(".")[2]
    seconds = [_seconds_of_one(order, clients, str(script)) for _ in range(order.repetitions)]
    order.say(f"pgbench {version.split()[0]}", seconds, 1, fsync=fsync)


def _seconds_of_one(order: Order, clients: str, script: str) -> float:
    told = ["-n", "-M", "prepared", "-f", script, "-c", clients, "-j", "1", "-T", str(order.size), order.database]
    said = subprocess.run([os.environ["WEFT_BENCH_PGBENCH"], *told], capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    if found is None:
        raise RuntimeError(f"pgbench did not say how fast it was:\n{said}")
    return 1 / float(found.group(1))


if __name__ == "__main__":
    measure({"commit.1": commits, "commit.8": commits, "commit.32": commits})
