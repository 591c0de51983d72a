"""What is asked for when a thread is branched or run again, and what is answered."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.edit_orders import EditOrder
from application.once import digest_of
from application.run_orders import HowOrder, RunOrder, Workflow
from application.run_views import RunView
from application.snapshot_orders import At
from application.threads import Text
from application.views import ThreadView, View, json_object
from domain.json import JsonObject


class BranchOrder(BaseModel):
    """`at`: the last position that the branch shares; left out: where the thread ends now. `continue`: the run under way there goes on in
    the branch as a run of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    at: At | None = None
    name: Text | None = None
    description: Text | None = None
    labels: dict[str, JsonValue] = Field(default_factory=dict)
    goes_on: Annotated[bool, Field(strict=True, alias="continue")] = False

    def digest(self, thread: str) -> str:
        return digest_of(f"branch {thread}", self.model_dump(mode="json", by_alias=True))


class BranchView(ThreadView):
    """`run_id`: the run that goes on in it."""

    run_id: str | None = None


class AgainOrder(HowOrder):
    """`at`: the position whose state is taken; left out: where the thread ends now. `edits` change it first. `workflow`, `input`: left out,
    those of the run at that position."""

    at: At | None = None
    edits: EditOrder | None = None
    workflow: Workflow | None = None
    input: dict[str, JsonValue] | None = None
    name: Text | None = None
    """Of the branch."""

    def digest(self, thread: str) -> str:
        return digest_of(f"run again {thread}", self.model_dump(mode="json", exclude_unset=True))

    def order(self, workflow: str, given: JsonObject, thread: str) -> RunOrder:
        """`workflow`: what stands for the one that was found."""
        how = {name: getattr(self, name) for name in HowOrder.model_fields if name in self.model_fields_set}
        return RunOrder.model_construct(**how, workflow=workflow, input=json_object(given), thread_id=thread)


class AgainView(View):
    run: RunView
    thread: ThreadView
