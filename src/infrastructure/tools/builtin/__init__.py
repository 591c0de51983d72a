"""The tools every installation has: one file each, and nothing in them touches the world."""

from domain.ports.clock import Clock
from infrastructure.tools.builtin.calculator import calculator
from infrastructure.tools.builtin.datetime import datetime_tool
from infrastructure.tools.builtin.json_query import json_query
from infrastructure.tools.builtin.sleep import sleep
from infrastructure.tools.builtin.text_search import text_search
from infrastructure.tools.runnable import RunnableTool


def builtin_tools(clock: Clock) -> tuple[RunnableTool, ...]:
    return calculator(), datetime_tool(clock), json_query(), sleep(clock), text_search()
