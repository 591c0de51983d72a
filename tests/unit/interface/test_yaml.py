"""Documents from outside: what is read, where it stands, and what is refused before it costs anything."""

import gc
import json
from collections.abc import Callable
from contextlib import suppress
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.errors import DocumentTooLarge, Problem, ValidationError
from interface.yaml import MAX_BYTES, load_document

YAML = "application/yaml"
JSON = "application/json"


def refused(data: bytes, kind: str = YAML) -> Problem:
    with pytest.raises(ValidationError) as error:
        load_document(data, kind)
    (problem,) = error.value.problems
    return problem


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a: 1", {"a": 1}),
        ("[x, 2001-01-01, 12:30:45]", ["x", "2001-01-01", "12:30:45"]),
        ("[yes, no, on, off, y]", ["yes", "no", "on", "off", "y"]),
        ("[true, False, TRUE, tRue]", [True, False, True, "tRue"]),
        ("[null, ~, Null, '']", [None, None, None, ""]),
        ("a:", {"a": None}),
        ("[0o14, 0x1F, 010, -7, +3, 1_000, 0b1]", [12, 31, 10, -7, 3, "1_000", "0b1"]),
        ("[.5, 1., 1e3, -1.5E-2, 1.2.3, '1']", [0.5, 1.0, 1000.0, -0.015, "1.2.3", "1"]),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("1: x\ntrue: y", {"1": "x", "true": "y"}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("a: >-\n  one\n  two\n", {"a": "one two"}),
        ("a: &x {b: [1]}\nc: *x\nd: *x", {"a": {"b": [1]}, "c": {"b": [1]}, "d": {"b": [1]}}),
        ("a: &x 5\nb: *x", {"a": 5, "b": 5}),
        ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
        ("# nothing", None),
        ('{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
    ],
)
def test_yaml_gives_json_and_nothing_else(written: str, expected: Any) -> None:
    found = load_document(written.encode(), YAML).document

    assert found == expected
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize(
    ("kind", "is_yaml"),
    [(YAML, True), (".yaml", True), (".yml", True), ("text/x-yaml; charset=utf-8", True), (JSON, False), (".json", False), ("", False)],
)
def test_the_kind_says_what_is_read(kind: str, is_yaml: bool) -> None:
    assert load_document(b'{"a": 1}', kind).document == {"a": 1}
    if is_yaml:
        assert load_document(b"a: 1", kind).document == {"a": 1}
    else:
        assert refused(b"a: 1", kind).code == "bad_json"


PLACED = b"""\
name: w
nodes:
  classify:
    kind: llm
    prompt: >
      hello
  "a/b~c": {kind: wait,
            seconds: 1}
edges:
  - {from: a, to: b, when: "x +"}
  - from: b
    to: c
  -
    to: d
copy: &c {x: 1}
same: *c
"""


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [
        ("", 1, 1),
        ("/name", 1, 1),
        ("/nodes", 2, 1),
        ("/nodes/classify", 3, 3),
        ("/nodes/classify/prompt", 5, 5),
        ("/nodes/a~1b~0c", 7, 3),
        ("/nodes/a~1b~0c/seconds", 8, 13),
        ("/edges/0", 10, 5),
        ("/edges/0/when", 10, 22),
        ("/edges/1/to", 12, 5),
        ("/edges/2", 14, 5),
        ("/nodes/classify/model", 3, 3),
        ("/edges/9", 9, 1),
        ("/edges/x/y", 9, 1),
        ("/nothing", 1, 1),
        ("/same", 16, 1),
    ],
)
def test_a_pointer_has_a_line_and_a_column(pointer: str, line: int, column: int) -> None:
    assert load_document(PLACED, YAML).locate(pointer) == (line, column)


def test_json_has_no_lines() -> None:
    assert load_document(b'{"a": 1}', JSON).locate("/a") is None


@pytest.mark.parametrize(
    ("written", "code", "line", "column"),
    [
        pytest.param("a: 1\nb: [1, 2\nc: 3", "bad_yaml", 3, 2, id="what is not YAML"),
        pytest.param("a:\n  b: 1\n  b: 2", "duplicate_key", 3, 3, id="a key twice"),
        pytest.param("a: *x", "bad_alias", 1, 4, id="an alias of nothing"),
        pytest.param("a: &x [*x]", "bad_alias", 1, 8, id="a list that holds itself"),
        pytest.param("a: !!python/object/apply:os.system [ls]", "bad_tag", 1, 4, id="a tag that would run code"),
        pytest.param("a: !mine 1", "bad_tag", 1, 4, id="any tag"),
        pytest.param("? [a]\n: 1", "bad_key", 1, 3, id="a list for a key"),
        pytest.param("a: 1\n---\nb: 2", "bad_yaml", 2, 1, id="two documents"),
        pytest.param("a: .inf", "number_range", 1, 4, id="infinity"),
        pytest.param("a: .NaN", "number_range", 1, 4, id="no number"),
        pytest.param("a: 1e999", "number_range", 1, 4, id="a number beyond JSON"),
        pytest.param("a: " + "9" * 5000, "number_range", 1, 4, id="a number of 5,000 digits"),
        pytest.param("%TAG ! tag:x,2000:\n---\na: 1", "bad_yaml", None, None, id="a directive"),
        pytest.param("a: " + "[" * 65 + "]" * 65, "too_deep", 1, 67, id="66 deep"),
    ],
)
def test_yaml_is_refused_with_its_place(written: str, code: str, line: int | None, column: int | None) -> None:
    problem = refused(written.encode())

    assert (problem.code, problem.line, problem.column) == (code, line, column)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        pytest.param(b"{", "bad_json", id="what is not JSON"),
        pytest.param(b"", "bad_json", id="nothing"),
        pytest.param(b"[NaN]", "bad_json", id="no number"),
        pytest.param(b"[Infinity]", "bad_json", id="infinity"),
        pytest.param(b"[1e999]", "bad_json", id="a number beyond JSON"),
        pytest.param(b'{"a": 1, "a": 2}', "bad_json", id="a key twice"),
        pytest.param(b"[" + b"9" * 5000 + b"]", "bad_json", id="a number of 5,000 digits"),
        pytest.param(b"[" * 100_000, "too_deep", id="deep"),
        pytest.param(b"\xff{}", "bad_encoding", id="not UTF-8"),
        pytest.param("{}".encode("utf-16"), "bad_encoding", id="UTF-16"),
    ],
)
def test_json_is_refused(written: bytes, code: str) -> None:
    assert refused(written, JSON).code == code


def test_a_number_of_countless_digits_is_refused_in_words_for_authors() -> None:
    assert "write it as a string" in refused(b"[" + b"9" * 5000 + b"]", "json").message


def test_json_that_is_broken_has_its_place() -> None:
    problem = refused(b'{\n  "a": 1,\n}', JSON)

    assert (problem.line, problem.column) in {(2, 9), (3, 1)}


def test_a_byte_order_mark_is_no_harm() -> None:
    assert load_document(b'\xef\xbb\xbf{"a": 1}', JSON).document == load_document(b"\xef\xbb\xbfa: 1", YAML).document == {"a": 1}


def repeated(piece: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + piece * ((MAX_BYTES - len(before) - len(after)) // len(piece)) + after


def laughs() -> bytes:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [b"a%d: &a%d [%s]" % (number, number, b", ".join([b"*a%d" % (number - 1)] * 9)) for number in range(1, 10)]
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        pytest.param(laughs, {"too_many_aliases"}, id="a billion laughs"),
        pytest.param(lambda: b"a: &a [1, 2]\nb:\n" + b"- *a\n" * 50_000, {"too_many_aliases"}, id="many aliases"),
        pytest.param(
            lambda: b"a: &a [" + b"x, " * 5_000 + b"]\nb: [" + b"*a, " * 50 + b"]", {"too_many_aliases"}, id="few aliases of much"
        ),
        pytest.param(lambda: repeated(b"*a,", b"a: &a x\nb: ["), {"too_many_values"}, id="10 MiB of aliases"),
        pytest.param(lambda: repeated(b"- &a x\n"), {"too_many_values"}, id="10 MiB of anchors"),
        pytest.param(lambda: b"[" * 90_000, {"too_deep"}, id="deep lists"),
        pytest.param(lambda: b"{a: " * 90_000, {"too_deep"}, id="deep objects"),
        pytest.param(lambda: b"- " * 90_000, {"too_deep"}, id="deep by dashes"),
        pytest.param(lambda: b"? " * 90_000, {"too_deep", "bad_key"}, id="deep keys"),
        pytest.param(
            lambda: b"".join(b" " * deep + b"a:\n" for deep in range(4_500))[:MAX_BYTES], {"too_deep"}, id="10 MiB of indentation"
        ),
        pytest.param(lambda: repeated(b"["), {"too_many_values", "too_deep"}, id="10 MiB of brackets"),
        pytest.param(lambda: repeated(b"- a\n"), {"too_many_values"}, id="10 MiB of items"),
        pytest.param(lambda: repeated(b",a", b"[a"), {"too_many_values"}, id="10 MiB of commas"),
        pytest.param(lambda: repeated(b"\xc2\x85- a"), {"too_many_values"}, id="10 MiB of other line ends"),
        pytest.param(
            lambda: b"".join(b"%%TAG !a%d! tag:x\n" % number for number in range(20_000)) + b"--- a\n", {"bad_yaml"}, id="directives"
        ),
        pytest.param(
            lambda: b"\r".join(b"%%TAG !a%d! x" % number for number in range(20_000)) + b"\r--- a\r", {"bad_yaml"}, id="by other ends"
        ),
        pytest.param(lambda: repeated(b"\n%TAG ! x", b"%YAML 1.2"), {"too_many_values", "bad_yaml"}, id="10 MiB of directives"),
    ],
)
def test_hostile_yaml_is_refused_within_100_ms(make: Callable[[], bytes], codes: set[str]) -> None:
    data = make()
    times = []
    for _ in range(3):
        began = process_time()
        assert refused(data).code in codes
        times.append(process_time() - began)

    assert min(times) < 0.1


@pytest.mark.parametrize("kind", [YAML, JSON])
def test_more_than_10_mib_is_too_large(kind: str) -> None:
    with pytest.raises(DocumentTooLarge, match="10 MiB"):
        load_document(b" " * (MAX_BYTES + 1), kind)


def test_a_long_text_is_read() -> None:
    written = b"a: |\n" + b"  Some words, and some more: a line like any other here.\n" * 150_000

    assert len(load_document(written, YAML).document["a"]) > 8_000_000


def test_aliases_within_their_bounds_are_read() -> None:
    written = b"a: &a [" + b"1, " * 900 + b"1]\nb: [" + b"*a, " * 100 + b"]"

    assert len(load_document(written, YAML).document["b"]) == 100


anything = st.text(max_size=60) | st.lists(
    st.sampled_from(["a", ": ", "- ", "\n", "  ", "{", "}", "[", "]", ",", "&x ", "*x", "!t ", "|", "'", '"', "?"])
).map("".join)


@given(anything, st.sampled_from([YAML, JSON]))
def test_any_text_is_read_as_json_or_refused_as_such(text: str, kind: str) -> None:
    try:
        loaded = load_document(text.encode(errors="surrogatepass"), kind)
    except ValidationError:
        return
    assert json.loads(json.dumps(loaded.document)) == loaded.document
    assert loaded.locate("/a/0/b") is None or kind == YAML


@pytest.mark.parametrize("text", [b'{"a": [1]}', b'{"a": '])
def test_whoever_reads_json_leaves_the_look_for_garbage_as_it_was(text: bytes) -> None:
    with suppress(ValidationError):
        load_document(text, "application/json")
    assert gc.isenabled()
