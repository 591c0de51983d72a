"""Cassettes: a run's calls of models and tools with what came of them, as a document; and runs that are played from one."""

from typing import TypeAlias

from domain.cassette import AskedOtherwise, NotRecorded, Playback, RecordedCall, Recording
from domain.replay import Came, Compared

Tape: TypeAlias = Recording | Playback

__all__ = ["AskedOtherwise", "Came", "Compared", "NotRecorded", "Playback", "RecordedCall", "Recording", "Tape"]
