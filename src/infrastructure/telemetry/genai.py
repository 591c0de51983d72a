"""What is counted of calls to models, by the names of OpenTelemetry's conventions.

Histograms are by provider and model alone: one for each workflow as well would be two thousand series of twenty lines.
"""

from collections.abc import Iterator
from typing import Final

from prometheus_client.registry import Collector

from domain.ports.meter import ModelCall
from infrastructure.telemetry import conventions as names
from infrastructure.telemetry.conventions import in_prometheus
from infrastructure.telemetry.counts import Counts
from infrastructure.telemetry.histograms import LoopHistogram
from infrastructure.telemetry.labels import BoundedLabel

MOST_MODELS: Final = 24
"""That have histograms of their own."""
MOST_PROVIDERS: Final = 16
_CALL: Final = (names.OPERATION, names.PROVIDER, names.REQUEST_MODEL)


class GenAiMetrics:
    def __init__(self) -> None:
        self._provider, self._model, self._code = BoundedLabel(MOST_PROVIDERS), BoundedLabel(MOST_MODELS), BoundedLabel(MOST_PROVIDERS)
        self._tokens = _histogram(names.TOKEN_USAGE, "", "Tokens of a call", names.TOKEN_BOUNDS, *_CALL, names.TOKEN_TYPE)
        self._seconds = _histogram(names.DURATION, "seconds", "Duration of a call", names.SECOND_BOUNDS, *_CALL, names.ERROR_TYPE)
        self._first = _histogram(names.TO_FIRST_CHUNK, "seconds", "Until a call's first piece of text", names.FIRST_BOUNDS, *_CALL)
        self._errors = Counts("weft_model_errors", "Calls to models that failed", ("provider", "code"))

    def called(self, call: ModelCall) -> None:
        provider = self._provider(call.provider)
        series = (names.CHAT, provider, self._model(call.model))
        error = self._code(call.error) if call.error else ""
        self._seconds.labels(*series, error).observe(call.seconds)
        if error:
            self._errors.add(provider, error)
        if call.first_seconds is not None:
            self._first.labels(*series).observe(call.first_seconds)
        if call.usage is not None:
            self._tokens.labels(*series, "input").observe(call.usage.prompt_tokens)
            self._tokens.labels(*series, "output").observe(call.usage.completion_tokens)

    def collectors(self) -> Iterator[Collector]:
        yield from (self._tokens, self._seconds, self._first, self._errors)


def _histogram(name: str, unit: str, about: str, bounds: tuple[float, ...], *labels: str) -> LoopHistogram:
    return LoopHistogram(in_prometheus(name, unit), about, bounds, tuple(map(in_prometheus, labels)), most=MOST_MODELS * 2)
