"""What templates and expressions may take is their own work: that Python looks for garbage meanwhile is not."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import thread_time

import pytest

from infrastructure.expressions import CelExpressions
from infrastructure.processor_time import worked
from infrastructure.templates import JinjaTemplates

SECONDS = 0.06
"""More than a template or an expression may take."""
SCOPE = {"state": {"many": [str(number) for number in range(100)]}}


def busy() -> None:
    until = thread_time() + SECONDS
    while thread_time() < until:
        pass


@contextmanager
def long_looks_for_garbage() -> Iterator[None]:
    """At the first objects that are made, one after the other."""
    looks = [busy] * 10

    def look(phase: str, about: Mapping[str, int]) -> None:
        if phase == "start" and looks:
            looks.pop()()

    thresholds = gc.get_threshold()
    gc.callbacks.append(look)
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(look)
    assert not looks, "so many were taken"


@pytest.mark.parametrize(
    "compiled",
    [
        pytest.param(JinjaTemplates().compile("{% for one in state.many %}{{ [one] }}{% endfor %}"), id="template"),
        pytest.param(CelExpressions().value("${state.many.map(one, [one])}"), id="expression"),
    ],
)
def test_looks_for_garbage_fail_nothing(compiled: Callable[[object], object]) -> None:
    plain = compiled(SCOPE)

    with long_looks_for_garbage():
        assert compiled(SCOPE) == plain


def test_ones_own_work_counts() -> None:
    began = worked()
    busy()
    assert worked() - began >= SECONDS
