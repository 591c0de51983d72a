"""What was collected stays to the end: nobody looks through all tests for garbage again and again, and through the rest less often.

What a test leaves unclosed is still found, at the latest at the end of the session, where pytest itself collects.
"""

import gc

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
