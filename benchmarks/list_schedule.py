"""The schedule that imported workflows are measured by: tasks take free slots as they become ready, and nothing else takes any time."""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence, Set


def makespan(seconds: Mapping[str, float], after: Mapping[str, Set[str]], slots: int) -> float:
    """Of first in, first out on `slots` machines. Ties are broken by the order of `seconds`; `after`: whom a task waits for."""
    missing = {task: len(after[task]) for task in seconds}
    children: dict[str, list[str]] = {task: [] for task in seconds}
    for task in seconds:
        for parent in after[task]:
            children[parent].append(task)
    place = {task: number for number, task in enumerate(seconds)}
    ready = deque(task for task in seconds if not missing[task])
    running: list[tuple[float, int, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            task = ready.popleft()
            heapq.heappush(running, (now + seconds[task], place[task], task))
        now = running[0][0]
        ready.extend(sorted(_freed(_ended(running, now), children, missing), key=place.__getitem__))
    return now


def _ended(running: list[tuple[float, int, str]], now: float) -> list[str]:
    ended = []
    while running and running[0][0] <= now:
        ended.append(heapq.heappop(running)[2])
    return ended


def _freed(ended: Sequence[str], children: Mapping[str, Sequence[str]], missing: dict[str, int]) -> list[str]:
    freed = []
    for task in ended:
        for child in children[task]:
            missing[child] -= 1
            if not missing[child]:
                freed.append(child)
    return freed
