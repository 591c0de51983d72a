"""What an owner says about the history."""

from typing import Annotated

from pydantic import Field

from domain.history import Capture

CaptureSetting = Annotated[
    Capture,
    Field(description="how much of what is said to models and tools the history keeps where a workflow does not say: on, hashed, off"),
]
DaysSetting = Annotated[float, Field(ge=0, le=36_500, description="how many days the history keeps what was said; 0 keeps it for ever")]
