"""Scenarios of a database that crashes, hangs, cuts, or is locked."""

import signal
import time

from tests.integration.faults.checker import check_standard
from tests.integration.faults.load import branches, standard
from tests.integration.faults.scenario import scenario
from tests.integration.faults.stage import Stage, few_were_taken_over
from tests.integration.faults.wire import Mode
from tests.servers.until import until


@scenario("PostgreSQL is stopped with `-m immediate` every 5 to 40 s", "all promises; 503, never 500; first commit 5 s after it accepts")
def postgres_crashes(stage: Stage) -> None:
    count, latest = stage.size(120, 10_000), 0.0
    stage.start(workers=2)
    stage.order(count, at_once=8, readers=0.05, spread_seconds=stage.size(8, 600))

    def crash() -> None:
        nonlocal latest
        database = stage.cluster.database
        database.crash()
        stage.pause(0.2, 2.0)
        database.recover()
        accepts = time.monotonic()
        rows = database.number("SELECT count(*) FROM journal")
        is_over = stage.acknowledged() >= count and not stage.cluster.open_runs()
        until(lambda: is_over or database.number("SELECT count(*) FROM journal") > rows, "a commit", 60)
        latest = max(latest, time.monotonic() - accepts)

    stage.while_working(stage.size(3, 30), crash, *((0.5, 2.0) if not stage.is_full else (5.0, 40.0)))
    seen = stage.settle(stage.size(120, 900))
    stage.figures["seconds to the first commit, at most"] = round(latest, 1)
    check_standard(seen, count)
    assert latest <= 5.0, f"the first commit came {latest:.1f} s after PostgreSQL accepted"


@scenario("connections are cut right after COMMIT was sent", "nothing lost, nothing twice")
def commits_are_cut(stage: Stage) -> None:
    stage.cluster.through = True
    wanted, enough, count = stage.size(60, 5_000), stage.size(20, 5_000), stage.size(60, 4_000)
    stage.start(workers=2)
    stage.cluster.wire.cut_share = 0.25 if stage.is_full else 0.1
    stage.order(count, spread_seconds=stage.size(6, 480))
    ended = time.monotonic() + stage.size(100, 1_800)
    while stage.cluster.wire.cuts < wanted and time.monotonic() < ended:
        if stage.acknowledged() >= count and not stage.cluster.open_runs():
            if stage.cluster.wire.cuts >= enough:
                break
            stage.order(20)
            count += 20
        time.sleep(0.2)
    stage.count("faults", stage.cluster.wire.cuts)
    stage.cluster.wire.cut_share = 0.0
    check_standard(stage.settle(stage.size(120, 600)), count)
    assert stage.figures["faults"] >= enough


@scenario("all connections to PostgreSQL hang, then break", "work goes on when it answers, nothing lost")
def the_wire_hangs(stage: Stage) -> None:
    count = stage.size(60, 500)
    stage.cluster.through = True
    stage.start(workers=stage.size(2, 4))
    stage.order(count, spread_seconds=stage.size(8, 120))

    def hang() -> None:
        wire = stage.cluster.wire
        wire.mode = stage.chance.choice([Mode.SWALLOW, Mode.REFUSE, Mode.DELAY])
        wire.delay_seconds = 0.05
        if wire.mode is Mode.REFUSE:
            wire.cut_all()
        stage.pause(0.5, 2.0 if not stage.is_full else 20.0)
        wire.mode = Mode.PASS
        if stage.chance.random() < 0.5:
            wire.cut_all()

    stage.while_working(stage.size(4, 30), hang, 0.3, 1.0)
    check_standard(stage.settle(stage.size(120, 300)), count)


@scenario("backends are terminated every 100 ms", "typed answers, no mass loss of leases, work goes on")
def backends_are_terminated(stage: Stage) -> None:
    count = stage.size(60, 500)
    stage.start(workers=stage.size(2, 4), WEFT_LEASE_SECONDS="10")
    stage.order(count, spread_seconds=stage.size(5, 70))

    def terminate() -> None:
        stage.count("backends", stage.cluster.database.terminate_backends())

    stage.while_working(stage.size(30, 600), terminate, 0.09, 0.11)
    seen = stage.settle()
    check_standard(seen, count)
    few_were_taken_over(stage, count)


@scenario("a table is locked for 20 s", "typed answers, no mass loss of leases, work goes on after")
def a_table_is_locked(stage: Stage) -> None:
    count = stage.size(40, 500)
    stage.start(workers=stage.size(2, 4), WEFT_LEASE_SECONDS="10")
    stage.order(count, spread_seconds=stage.size(6, 70))
    until(stage.cluster.ledger.calls, "the first call", 60)
    for table in ("journal", "runs", "heads")[: stage.size(1, 3)]:
        stage.cluster.database.lock(table, stage.size(4, 20))
        stage.count("faults")
    check_standard(stage.settle(), count)
    few_were_taken_over(stage, count)


@scenario("eight branches meet in one join, 10,000 times, under kills", "it joins once a round, with all eight, always")
def branches_meet(stage: Stage) -> None:
    count, rounds = stage.size(10, 50), stage.size(10, 200)
    stage.start(workers=2)
    stage.order(count, branches(rounds), spread_seconds=stage.size(3, 30))

    def kill_one() -> None:
        stage.cluster.kill(stage.busy_worker())
        stage.cluster.worker()

    # Not faster: a run that three workers in a row were lost with before it wrote a row is poison.
    stage.while_working(stage.size(2, 20), kill_one, stage.size(1, 5), stage.size(2, 9))
    seen = stage.settle(stage.size(120, 900))
    assert set(seen.runs.values()) == {"completed"}, f"runs ended as {set(seen.runs.values())}: {seen.errors()}"
    joins = 0
    for run in seen.runs:
        met = [row.body for row in seen.rows_of[run] if row.kind == "node_finished" and row.body["activation"].startswith("/all#")]
        assert len(met) == rounds, f"run {run} joined {len(met)} times in {rounds} rounds"
        assert all(len(set(one["consumed"])) == 8 for one in met), f"run {run} joined without all eight"
        joins += len(met)
    for call in (call for call in seen.calls if call.node == "all"):
        number = {answer.partition(".")[2] for answer in call.seen[1:7]}
        assert len(number) == 1, f"the join of run {call.run} saw branches of several rounds: {call.seen}"
    stage.figures["joins"] = joins


@scenario("runs are cancelled at random instants", "one outcome each; nothing starts after the cancel")
def runs_are_cancelled(stage: Stage) -> None:
    count = stage.size(80, 1_000)
    stage.start(workers=2)
    stage.order(count, standard(rest_seconds=0.5), cancels=0.8, cancel_within=2.0, spread_seconds=stage.size(5, 30))
    if stage.is_full:
        stage.while_working(5, lambda: stage.cluster.restart_api(next(iter(stage.cluster.apis)), signal.SIGKILL), 1.0, 3.0)
    seen = stage.settle()
    statuses = list(seen.runs.values())
    stage.figures["cancelled"], stage.figures["completed"] = statuses.count("cancelled"), statuses.count("completed")
    assert set(statuses) <= {"cancelled", "completed"}, f"runs ended as {set(statuses)}"
    asked = {line["run"] for line in seen.said("cancel")}
    for run, rows in seen.rows_of.items():
        kinds = [row.kind for row in rows]
        assert kinds.count("cancel_requested") <= 1
        assert seen.runs[run] == "completed" or run in asked, f"run {run} was cancelled, and nobody asked"
        if "cancel_requested" in kinds:
            taken = [row for row in rows[kinds.index("cancel_requested") :] if row.kind == "node_finished"]
            assert len(taken) <= 3, f"run {run} went on after it was cancelled: {taken}"
