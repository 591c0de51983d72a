"""`weft items`: values are kept, read, found and forgotten."""

import json

import pytest

from tests.integration.cli.command import Weft

pytestmark = pytest.mark.processes


def test_an_item_from_its_first_write_to_its_end(weft: Weft) -> None:
    url = weft.commands.serve().url()

    def items(*arguments: str) -> str:
        answer = weft("items", *arguments, "--server", url)
        assert (answer.code, answer.err) == (0, ""), answer.err
        return answer.out

    assert items("put", "user/ann %2F/likes", '{"colour": "Blue", "size": 3}', "--expected", "0") == "1\n"
    assert json.loads(items("put", "user/ann %2F/pet", '"cat"', "--ttl", "60", "--json"))["expires_at"]
    assert json.loads(items("get", "user/ann %2F/likes")) == {"colour": "Blue", "size": 3}
    assert items("get", "user/ann %2F/pet") == "cat\n"
    assert json.loads(items("get", "user/ann %2F/likes", "--json"))["version"] == 1
    assert items("list", "user") == 'user/ann %2F/likes\t{"colour": "Blue", "size": 3}\t1\nuser/ann %2F/pet\t"cat"\t1\n'
    assert [one["key"] for one in json.loads(items("list", "--text", "blue", "--filter", '{"size": {"$gte": 3}}', "--json"))] == ["likes"]
    assert items("list", "another") == ""

    changed = weft("items", "put", "user/ann %2F/likes", "1", "--expected", "7", "--server", url)
    assert (changed.code, "read it again" in changed.err) == (2, True)
    assert items("delete", "user/ann %2F/likes") == "user/ann %2F/likes is forgotten\n"
    gone = weft("items", "get", "user/ann %2F/likes", "--server", url)
    assert (gone.code, "there is no item" in gone.err) == (2, True)
