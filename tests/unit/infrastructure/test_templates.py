"""Prompt templates: what they render, what they read, and that none of them can run long."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ExpressionError
from domain.json import Json
from domain.ports.templates import Piece, Template
from infrastructure.templates import JinjaTemplates

TEMPLATES = JinjaTemplates()
SOURCES = str(Path(__file__).parents[3] / "src")
SCOPE: dict[str, Json] = {
    "state": {
        "ticket": "It <is> broken",
        "x": 3,
        "none": None,
        "tags": ["a", "b"],
        "map": {"items": 1, "k": {"z": None}},
        "messages": [{"role": "user", "content": "hi"}, {"role": "model", "content": "ho"}],
    },
    "item": "one",
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("no hole", "no hole", id="a text without a hole"),
        pytest.param("{{ state.ticket }}", "It <is> broken", id="nothing is escaped"),
        pytest.param("a\n{{ item }}\n", "a\none\n", id="the last line break is kept"),
        pytest.param(
            "{{ state.tags }} {{ state.none }} {{ true }} {{ state.x / 2 }}", '["a", "b"] null true 1.5', id="what is no text is JSON"
        ),
        pytest.param("{{ state.map.items }} {{ state['map'].k.z }}", "1 null", id="a field may be named like a method"),
        pytest.param(
            "{% for m in state.messages %}{{ loop.index }} {{ m.role }}: {{ m.content }};{% endfor %}",
            "1 user: hi;2 model: ho;",
            id="a loop",
        ),
        pytest.param("{% for k, v in state.map|items %}{{ k }}{% endfor %}", "itemsk", id="a loop over an object"),
        pytest.param(
            "{% for a in state.tags %}{% for b in state.tags %}{{ a ~ b }} {% endfor %}{% endfor %}", "aa ab ba bb ", id="a loop in a loop"
        ),
        pytest.param("{% if state.x > 2 and 'a' in state.tags %}y{% else %}n{% endif %}", "y", id="a condition"),
        pytest.param(
            "{{ state.nothing|default('d') }}{% if state.nothing is defined %}y{% endif %}", "d", id="a missing field may have a default"
        ),
        pytest.param("{% set n = state.x + 1 %}{{ n * 2 }}", "8", id="a name of its own"),
        pytest.param(
            "{{ state.messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join(', ') }}", "hi", id="filters in a row"
        ),
        pytest.param("{{ state.ticket|replace('is', 'was')|upper }}", "IT <WAS> BROKEN", id="a text changed"),
        pytest.param(
            "{{ state.tags|tojson }}{{ 2.345|round(1) }}{{ [1, 2]|sum }}{{ range(3)|join }}", '["a", "b"]2.33012', id="our own filters"
        ),
        pytest.param("{{ 'a\nb'|indent(2) }}", "a\n  b", id="indent"),
        pytest.param("{{ state.tags[0] }}{{ state.tags[-1:]|first }}{{ state.ticket[:2] }}", "abIt", id="elements and slices"),
        pytest.param("{# note #}{% raw %}{{ x }}{% endraw %}", "{{ x }}", id="comments and raw text"),
    ],
)
def test_a_template_renders(source: str, expected: str) -> None:
    assert TEMPLATES.compile(source)(SCOPE) == expected


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        pytest.param("plain", set(), id="nothing"),
        pytest.param("{{ state.a.b }} {{ item }}", {("state", "a", "b"), ("item",)}, id="paths"),
        pytest.param("{{ state['a']|default(input.d) }}", {("state", "a"), ("input", "d")}, id="arguments of filters too"),
        pytest.param(
            "{% for m in state.l if m.x %}{{ m.y }}{{ loop.index }}{% endfor %}", {("state", "l")}, id="its own names are not read"
        ),
        pytest.param("{% set a = state.q %}{{ a.b }}", {("state", "q")}, id="an assignment reads"),
        pytest.param("{{ state[item].c }}", {("state",), ("item",)}, id="a computed name takes the whole"),
    ],
)
def test_what_it_reads_is_known(source: str, paths: set[tuple[str, ...]]) -> None:
    assert TEMPLATES.compile(source).paths == paths


@pytest.mark.parametrize(
    ("source", "because"),
    [
        pytest.param("{{ state.x", "line 1", id="half a template"),
        pytest.param("{{ nobody }}", "`nobody` is not known", id="an unknown name"),
        pytest.param("{{ self }}", "`self` is not known", id="the template itself"),
        pytest.param("{{ 2 ** 3 }}", "`pow` is not allowed", id="powers"),
        pytest.param("{% macro f() %}{% endmacro %}", "`macro` is not allowed", id="macros"),
        pytest.param("{% include 'a' %}", "`include` is not allowed", id="includes"),
        pytest.param("{% import 'a' as b %}", "`import` is not allowed", id="imports"),
        pytest.param("{% extends 'a' %}", "`extends` is not allowed", id="inheritance"),
        pytest.param("{% filter upper %}{% endfilter %}", "`filterblock` is not allowed", id="filter blocks"),
        pytest.param("{{ state.ticket.upper() }}", "only `range` can be called", id="methods"),
        pytest.param("{{ namespace(a=1) }}", "only `range` can be called", id="functions"),
        pytest.param("{{ 'a'|center(9) }}", "no filter `center`", id="a filter that is not on the list"),
        pytest.param("{{ 'a'|weft_sized }}", "no filter `weft_sized`", id="a filter of ours"),
        pytest.param("{{ weft_budget }}", "are ours", id="a name of ours"),
        pytest.param("{% set state = 1 %}", "cannot be assigned", id="a root assigned"),
        pytest.param("{{ (1, 2) }}", "square brackets", id="a tuple"),
        pytest.param(
            "{% for a in [] %}{% for b in [] %}{% for c in [] %}{% endfor %}{% endfor %}{% endfor %}",
            "nested at most once",
            id="three loops",
        ),
        pytest.param("{% for a in state.l recursive %}{% endfor %}", "cannot be recursive", id="a recursive loop"),
        pytest.param("x" * (256 * 1024 + 1), "at most 256 KiB", id="too long"),
        pytest.param("{{ " + "9" * 5000 + " }}", "4300 digits", id="a number without end"),
    ],
)
def test_what_is_not_allowed_is_refused_when_it_is_compiled(source: str, because: str) -> None:
    with pytest.raises(ExpressionError, match=r"^template `") as refused:
        TEMPLATES.compile(source)
    assert because in refused.value.message


@pytest.mark.parametrize(
    ("source", "because"),
    [
        pytest.param("{{ state.nothing }}", "no field `nothing`", id="a missing field"),
        pytest.param("{{ state.nothing.more }}", "no field `nothing`", id="a field of a missing field"),
        pytest.param("{{ input.n }}", "input", id="a root that is not there"),
        pytest.param("{{ state.tags[7] }}", "no element 7", id="a missing element"),
        pytest.param("{{ state.__class__ }}", "no field `__class__`", id="the class of an object"),
        pytest.param("{{ state.ticket.__class__.__mro__ }}", "no field `__class__`", id="the class of a text"),
        pytest.param("{{ state.ticket['format'] }}", "no field `format`", id="a method of a text"),
        pytest.param("{{ range.__globals__ }}", "no field `__globals__`", id="the globals of a function"),
        pytest.param("{{ state.messages|map(attribute='__class__')|list }}", "`__class__`", id="the class behind a filter"),
        pytest.param("{{ state.ticket + 1 }}", "two texts", id="a text and a number"),
        pytest.param("{{ 'ab' * 3 }}", "two numbers", id="repetition"),
        pytest.param("{{ '%9999d' % 3 }}", "two numbers", id="formatting"),
        pytest.param("{{ 1 / 0 }}", "division by zero", id="division by zero"),
        pytest.param("{% for a in 5 %}{% endfor %}", "a list or an object", id="a loop over a number"),
    ],
)
def test_what_goes_wrong_names_the_template(source: str, because: str) -> None:
    template = TEMPLATES.compile(source)
    with pytest.raises(ExpressionError) as refused:
        template(SCOPE)
    assert source in refused.value.message
    assert because in refused.value.message


HOSTILE: dict[str, Json] = {
    "ones": [1] * 1000,
    "many": [1] * 1001,
    "huge": list(range(500_000)),
    "doc": "a" * 1_000_000,
    "lines": "\n" * 1_000_000,
    "notes": [{"role": "user", "text": "x" * 1000}] * 1000,
}
DOUBLING = "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{% for a in state.many %}{% endfor %}", id="a loop over more than 1,000"),
        pytest.param("{% for a in state.ones %}{% for b in state.ones %}{% endfor %}{% endfor %}", id="a million rounds of nothing"),
        pytest.param("{% for a in state.ones %}{% set q = state.notes|sort(attribute='text') %}{% endfor %}", id="a sort in a loop"),
        pytest.param(
            "{% for a in state.ones %}{% if state.notes == state.notes|list %}{% endif %}{% endfor %}", id="a comparison in a loop"
        ),
        pytest.param("{% for a in state.ones %}{{ state.doc }}{% endfor %}", id="a long text"),
        pytest.param("{{ range(1001) }}", id="a long range"),
        pytest.param("{{ range(9223372036854775807) }}", id="an endless range"),
        pytest.param("{{ state.huge|sort }}", id="a sort of very many"),
        pytest.param("{{ state.doc|replace('a', state.doc) }}", id="a replacement that multiplies"),
        pytest.param("{{ state.doc|replace('', state.doc) }}", id="a replacement of nothing"),
        pytest.param("{{ state.ones|join(state.doc) }}", id="a join that multiplies"),
        pytest.param("{{ state.lines|indent(100) }}", id="an indent of a million lines"),
        pytest.param("{{ 'a'|indent(1000000000) }}", id="a wide indent"),
        pytest.param("{{ state.ones|tojson(indent=1000000) }}", id="wide JSON"),
        pytest.param("{{ 1|round(1000000000) }}", id="a fine rounding"),
        pytest.param("{% set a = 'ab' %}" + "{% set a = a ~ a %}" * 60 + "{{ a|length }}", id="a text doubled with ~"),
        pytest.param("{% set a = 'ab' %}" + "{% set a = a + a %}" * 60 + "{{ a|length }}", id="a text doubled with +"),
        pytest.param("{% set a = [1] %}" + "{% set a = a + a %}" * 60 + "{{ a|length }}", id="a list doubled"),
        pytest.param("{% set a = 3037000500 %}" + "{% set a = a * a %}" * 60 + "{{ a }}", id="a number squared"),
        pytest.param(DOUBLING + "{{ a }}", id="an unfolding list printed"),
        pytest.param(DOUBLING + "{{ a|tojson }}", id="an unfolding list as JSON"),
        pytest.param(
            DOUBLING + DOUBLING.replace("a", "b").replace("{% setb", "{% set b") + "{{ a == a|list }}", id="unfolding lists compared"
        ),
        pytest.param("{{ state.notes|map('replace', 'x', state.doc)|list }}", id="a filter behind a filter"),
        pytest.param("{% for a in state.ones %}{{ state.notes|map(attribute='text')|join|length }}{% endfor %}", id="joins in a loop"),
        pytest.param("{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}", id="deep brackets"),
        pytest.param("{{ " + "-" * 2900 + "1 }}", id="many signs"),
        pytest.param("{{ " + "not " * 2900 + "1 }}", id="many nots"),
        pytest.param("{{ 1" + "+1" * 1400 + " }}", id="a long sum"),
        pytest.param("{{ [" * 1000, id="open brackets"),
        pytest.param("{{ item }}" * 20_000, id="very many holes"),
        pytest.param("{%" * 100_000, id="nothing but openings"),
        pytest.param("{#" + "x" * 250_000, id="an open comment"),
        pytest.param("{% raw %}" * 20_000, id="open raw text"),
        pytest.param("{{" + " " * 250_000, id="nothing but spaces"),
    ],
)
def test_a_template_built_to_run_forever_is_refused_or_stopped_within_100_ms(source: str) -> None:
    TEMPLATES.compile("{{ 1 }}")
    before = thread_time()
    with pytest.raises(ExpressionError, match=r"^template `"):
        TEMPLATES.compile(source)({"state": HOSTILE})
    assert thread_time() - before < 0.1


def test_ordinary_work_on_a_lot_of_data_goes_through_in_time() -> None:
    template = TEMPLATES.compile("{% for m in state.notes %}{{ m.role }}: {{ m.text|upper }}\n{% endfor %}{{ state.huge|length }}")
    before = thread_time()
    assert len(template({"state": HOSTILE})) > 1_000_000
    assert thread_time() - before < 0.1


SIGNS = ["{{ ", " }}", "{#", "#}", "~", "+", "==", "[0]", "('a')", ")", "1", "'s'", " ", " %}"]
STATEMENTS = ["{% for a in state.tags %}", "{% endfor %}", "{% if ", "{% endif %}", "{% set q = "]
NAMES = ["state", ".x", ".__class__", "a", "loop.index", "is defined", "not ", "|upper", "|list", "|join(", "|map(attribute='y')"]
PIECES = st.sampled_from([*SIGNS, *STATEMENTS, *NAMES])


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=20).map("".join))
def test_whatever_is_written_gives_text_or_an_expression_error(source: str) -> None:
    with suppress(ExpressionError):
        assert isinstance(TEMPLATES.compile(source)(SCOPE), str)


def test_the_slow_libraries_are_imported_when_they_are_needed() -> None:
    """`jinja2` with the first template, and the command line that comes with CEL never."""
    program = """
import sys
from infrastructure.expressions import CelExpressions
from infrastructure.templates import JinjaTemplates
assert CelExpressions().value("${1 + 1}")({}) == 2
assert JinjaTemplates().compile("no hole")({}) == "no hole"
print(sorted({"jinja2", "typer", "rich", "prompt_toolkit"} & sys.modules.keys()))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": SOURCES})
    assert ran.stdout == "[]\n"


def put_together(text: str, parts: dict[str, str], *variables: str) -> Template:
    pieces: dict[str, Piece] = {}
    pieces.update({name: Piece(part, pieces) for name, part in parts.items()})
    return TEMPLATES.put_together(Piece(text, pieces), frozenset(variables))


def test_what_is_included_stands_in_its_place_and_sees_what_is_around_it() -> None:
    template = put_together(
        "{% for one in xs %}{% include 'item' %}{% endfor %}{% if y %}{% include 'end' %}{% endif %}",
        {
            "item": "{% set z = one * 2 %}{{ z }}{% include 'comma' %}",
            "comma": ",",
            "end": "{{ y }}{% if z is defined %}leaked{% endif %}{% set z = 1 %}",
        },
        *("xs", "y"),
    )  # fmt: skip

    assert template({"xs": [1, 2], "y": "!"}) == "2,4,!"
    assert template.paths == {("xs",), ("y",)}


def test_the_names_of_includes_are_known_without_rendering() -> None:
    assert TEMPLATES.includes("{% include 'a' %}{% if true %}{% include 'b/c@2' %}{% endif %}") == {"a", "b/c@2"}
    assert TEMPLATES.includes("include 'a'") == frozenset()


@pytest.mark.parametrize(
    ("text", "parts", "reason"),
    [
        pytest.param("{{ state.x }}", {}, "`state` is not declared; the variables are x", id="a root of graphs"),
        pytest.param("{% include 'p' %}", {"p": "{{ y }}"}, "`y` is not declared", id="a name that only the partial knows"),
        pytest.param("{% include 'q' %}", {"p": ""}, "there is no partial `q` (there are: p)", id="what is not there"),
        pytest.param("{% include 'p' %}", {"p": "{% include 'p' %}"}, "`p` includes itself", id="itself"),
        pytest.param("{% include 'p' %}", {"p": "{{ x"}, "in `p`: ", id="a partial that does not parse"),
        pytest.param("{% include x %}", {}, "write `{% include 'name' %}`", id="a name that is computed"),
        pytest.param("{% include ['a', 'p'] %}", {"p": ""}, "write `{% include 'name' %}`", id="one of several"),
        pytest.param("{% include 'p' ignore missing %}", {"p": ""}, "write `{% include 'name' %}`", id="what may be missing"),
        pytest.param("{% include 'p' %}" * 101, {"p": ""}, "includes more than 100 times", id="too often"),
        pytest.param("{% for a in x %}{% include 'p' %}{% endfor %}", {"p": "{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}"},
                     "nested at most once", id="loops in loops, spread over partials"),
        pytest.param("{% include 'p' %}" * 90, {"p": "{{ x }}" * 400}, "more than 5,000 parts", id="too much together"),
        pytest.param("{% set x = 1 %}", {}, "`x` cannot be assigned", id="a variable that is assigned"),
        pytest.param("{% import 'p' as q %}", {"p": ""}, "`import` is not allowed", id="import"),
        pytest.param("{% extends 'p' %}", {"p": ""}, "`extends` is not allowed", id="extends"),
    ],
)  # fmt: skip
def test_what_cannot_be_put_together_says_why(text: str, parts: dict[str, str], reason: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        put_together(text, parts, "x")

    assert reason in refused.value.message


def test_partials_that_double_each_other_are_refused_quickly() -> None:
    parts = {f"p{number}": f"{{% include 'p{number + 1}' %}}" * 2 for number in range(30)} | {"p30": "x"}
    began = thread_time()

    with pytest.raises(ExpressionError, match="more than 100 times"):
        put_together("{% include 'p0' %}", parts)

    assert thread_time() - began < 1


def test_a_template_of_a_graph_includes_nothing() -> None:
    with pytest.raises(ExpressionError, match="`include` is not allowed"):
        TEMPLATES.compile("{% include 'p' %}")
