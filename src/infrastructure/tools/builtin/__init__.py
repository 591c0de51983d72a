"""The tools every installation has: one file each."""

from domain.ports.clock import Clock
from infrastructure.outgoing.messages import Asks
from infrastructure.tools.builtin.calculator import calculator
from infrastructure.tools.builtin.datetime import datetime_tool
from infrastructure.tools.builtin.http_fetch import http_fetch
from infrastructure.tools.builtin.json_query import json_query
from infrastructure.tools.builtin.sleep import sleep
from infrastructure.tools.builtin.text_search import text_search
from infrastructure.tools.runnable import RunnableTool


def builtin_tools(clock: Clock) -> tuple[RunnableTool, ...]:
    """Those that touch nothing."""
    return calculator(), datetime_tool(clock), json_query(), sleep(clock), text_search()


def reaching_tools(door: Asks, clock: Clock) -> tuple[RunnableTool, ...]:
    """Those that reach others, through the door."""
    return (http_fetch(door, clock),)
