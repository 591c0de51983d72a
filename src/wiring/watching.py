"""What a process tells of itself: a meter, traces, and what makes models tell both."""

import asyncio
from importlib.metadata import version
from typing import Protocol

from domain.ports.meter import Meter
from domain.ports.traces import UNTRACED, Traces
from infrastructure.between import LineMeter
from infrastructure.telemetry.unmetered import Unmetered
from settings import Settings


class ShownMeter(Meter, LineMeter, Protocol):
    def render(self) -> tuple[bytes, str]:
        """What it counted, and the content type of that."""


def meter_of(settings: Settings) -> ShownMeter:
    """Prometheus, where somebody may scrape."""
    if not settings.metrics:
        return Unmetered()
    from infrastructure.telemetry.metrics import PrometheusMeter

    return PrometheusMeter()


def traces_of(settings: Settings) -> Traces:
    """Nothing of OpenTelemetry is loaded where nobody wants traces."""
    if settings.otlp_endpoint is None:
        return UNTRACED
    from infrastructure.telemetry.otlp import OtlpTraces

    return OtlpTraces(settings.otlp_endpoint, version("weft"))


async def close_traces(traces: Traces) -> None:
    """What waits is sent first."""
    close = getattr(traces, "close", None)
    if close is not None:
        await asyncio.to_thread(close)
