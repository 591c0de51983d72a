"""Servers whose tools are called here, as whoever looks after them sees them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.json import JsonObject


class ServerState(StrEnum):
    """`idle`: nobody has asked for its tools yet. `down`: it is tried again after a while."""

    IDLE = "idle"
    STARTING = "starting"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class WaitingTool:
    """A description that nobody has approved: of a tool that is new, or that was another when it was approved. `difference`: lines that
    went and came."""

    tool: str
    name: str
    digest: str
    is_new: bool
    document: JsonObject
    difference: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolServer:
    """`transport`: "stdio" or "http". `tools`: names of those that may be called. `gone`: approved, and no longer offered."""

    name: str
    transport: str
    state: ServerState
    since: datetime
    restarts: int
    last_error: str
    tools: tuple[str, ...]
    waiting: tuple[WaitingTool, ...]
    gone: tuple[str, ...]
