"""Processor time of one's own work: without the looks for garbage that Python takes meanwhile, which last 200 ms with large libraries."""

import gc
from collections.abc import Mapping
from threading import local
from time import thread_time


class _Looks(local):
    """Of one thread, in seconds."""

    began = 0.0
    lasted = 0.0


_looks = _Looks()


def worked() -> float:
    """Seconds of this thread so far; only differences mean something."""
    return thread_time() - _looks.lasted


def _looked(phase: str, about: Mapping[str, int]) -> None:
    if phase == "start":
        _looks.began = thread_time()
    else:
        _looks.lasted += thread_time() - _looks.began


gc.callbacks.append(_looked)
