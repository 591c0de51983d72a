"""Tools that are called through somebody who does more."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.ports.tools import ToolContext, Tools
from domain.tool import Tool


@dataclass
class AroundTools:
    """Everything but the call itself is the inner ones' business."""

    inner: Tools

    def get(self, name: str) -> Tool:
        return self.inner.get(name)

    def list(self) -> Sequence[Tool]:
        return self.inner.list()

    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        return self.inner.must_be_allowed(name, context)
