"""Whether a graph's own word on how much of it the history keeps can be understood."""

from collections.abc import Iterator

from domain.errors import HistoryError, Problem
from domain.graph.definition import Graph
from domain.history import capture_of


def captured(graph: Graph) -> Iterator[Problem]:
    """A word that nobody knows would keep what its author wanted kept by nobody."""
    try:
        capture_of(graph.metadata)
    except HistoryError as error:
        yield Problem("/metadata/history/capture", "unknown_capture", error.message)
