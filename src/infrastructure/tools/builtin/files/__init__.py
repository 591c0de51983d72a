"""`files_read`, `files_write`, `files_list`, `files_search`, `files_patch`: the files of one workspace folder, and nothing outside it."""

from pathlib import Path

from infrastructure.tools.builtin.files.listing import LIST, list_files
from infrastructure.tools.builtin.files.patching import PATCH, patch_file
from infrastructure.tools.builtin.files.places import Workspaces
from infrastructure.tools.builtin.files.reading import READ, read_file
from infrastructure.tools.builtin.files.searching import SEARCH, search_files
from infrastructure.tools.builtin.files.writing import WRITE, write_file
from infrastructure.tools.runnable import RunnableTool
from infrastructure.tools.threads import in_a_spare_thread


def file_tools(root: Path | None) -> tuple[RunnableTool, ...]:
    """`root`: the folder of all workspaces, or None; without one they are there, and say what to set."""
    of = Workspaces(root).of
    return (
        RunnableTool(READ, in_a_spare_thread(lambda arguments, context: read_file(of(context), arguments))),
        RunnableTool(WRITE, in_a_spare_thread(lambda arguments, context: write_file(of(context), arguments))),
        RunnableTool(LIST, in_a_spare_thread(lambda arguments, context: list_files(of(context), arguments))),
        RunnableTool(SEARCH, in_a_spare_thread(lambda arguments, context: search_files(of(context), arguments))),
        RunnableTool(PATCH, in_a_spare_thread(lambda arguments, context: patch_file(of(context), arguments, context.idempotency_key))),
    )
