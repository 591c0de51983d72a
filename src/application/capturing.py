"""How much of what a node says the history may keep."""

from domain.errors import HistoryError
from domain.history import Capture, capture_of, strictest
from domain.run.state import Frame


def capture_in(frame: Frame, usual: Capture) -> Capture:
    """What its own graph allows, and each that it was called through. `usual`: where none of them says anything."""
    said = _said(frame)
    while frame.parent is not None:
        frame = frame.parent.frame
        above = _said(frame)
        if above is not None:
            said = above if said is None else strictest((said, above))
    return usual if said is None else said


def _said(frame: Frame) -> Capture | None:
    try:
        return capture_of(frame.graph.graph.metadata)
    except HistoryError:
        return Capture.OFF  # published before anybody knew that word: nothing is kept by mistake
