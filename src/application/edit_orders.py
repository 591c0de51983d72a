"""What is asked for when somebody changes what a thread holds, and what is answered."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict, model_validator

from application.past_views import ChangeView
from application.snapshot_orders import At
from application.views import View
from domain.change import Change, Operation

MOST_CHANGES: Final = 500
Reason = Annotated[str, Field(strict=True, max_length=2000, pattern=r"^[^\x00]*$")]


class EditOperation(StrEnum):
    CREATE = Operation.CREATE.value
    UPDATE = Operation.UPDATE.value
    DELETE = Operation.DELETE.value


class ChangeOrder(BaseModel):
    """`path`: a JSON pointer from the state's root, `/channel/member/0`; `-` creates behind a list's last item."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    operation: Annotated[EditOperation, Strict(False)]
    path: Annotated[str, Field(strict=True, min_length=2, max_length=1000, pattern=r"^/[^\x00]*$")]
    value: JsonValue = None

    @model_validator(mode="after")
    def _has_a_value_or_deletes(self) -> "ChangeOrder":
        if (self.operation is EditOperation.DELETE) == ("value" in self.model_fields_set):
            raise ValueError("`delete` takes no `value`, `create` and `update` take one")
        return self

    def change(self) -> Change:
        return Change(Operation(self.operation.value), self.path, None, self.value)


class EditOrder(BaseModel):
    """Either `changes`, each of one place, made one after the other; or `values`: channel -> its new value, whatever it held. With
    `expected_position` it is only done when the thread still ends there."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    changes: Annotated[list[ChangeOrder], Field(min_length=1, max_length=MOST_CHANGES)] | None = None
    values: Annotated[dict[str, JsonValue], Field(min_length=1, max_length=MOST_CHANGES)] | None = None
    expected_position: At | None = None
    reason: Reason = ""

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "EditOrder":
        if (self.changes is None) == (self.values is None):
            raise ValueError("say `changes` or `values`, one of the two")
        return self


class RestoreOrder(BaseModel):
    """`at`: the position whose state the thread is to hold again; 0: nothing at all."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    at: At
    expected_position: At | None = None
    reason: Reason = ""


class RestoreSnapshotOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    expected_position: At | None = None
    reason: Reason = ""


class EditView(View):
    """`position`: of the journal row that tells of it, or where the thread ends when nothing was to be changed."""

    thread_id: str
    position: int
    changes: list[ChangeView]

    @classmethod
    def of(cls, thread: str, position: int, changes: Sequence[Change]) -> "EditView":
        return cls(thread_id=thread, position=position, changes=ChangeView.all_of(changes))
