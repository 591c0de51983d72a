"""Fresh names, in the order they were made."""

from uuid_utils.compat import uuid7


def new_id() -> str:
    """A UUIDv7: 36 characters, lower case. Later ones sort behind earlier ones of this process."""
    return str(uuid7())
