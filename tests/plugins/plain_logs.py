"""What is logged in the process of the tests has plain tracebacks: structlog's own, with the values of all variables, take seconds each."""

import pytest
import structlog


def pytest_configure(config: pytest.Config) -> None:
    *before, _ = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
