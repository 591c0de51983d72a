"""W3C Trace Context, and which trace a run is in."""

import pytest

from domain.tracing import TraceContext, of_run, read_traceparent, traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RUN = "0190a1b2-0000-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("header", "read"),
    [
        pytest.param(f"00-{TRACE}-{SPAN}-01", TraceContext(TRACE, SPAN), id="as every caller writes it"),
        pytest.param(f"00-{TRACE}-{SPAN}-00", TraceContext(TRACE, SPAN, sampled=False), id="nobody wants it recorded"),
        pytest.param(f"00-{TRACE}-{SPAN}-03", TraceContext(TRACE, SPAN), id="flags that we do not know"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-what-comes", TraceContext(TRACE, SPAN), id="a later version says more"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-what", None, id="this version says no more"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", None, id="no version at all"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", None, id="a trace of zeros"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", None, id="a span of zeros"),
        pytest.param(f"00-{TRACE.upper()}-{SPAN}-01", None, id="capitals"),
        pytest.param(f"00-{TRACE}-{SPAN}", None, id="no flags"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-{'x' * 500}", None, id="longer than anybody needs"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_traceparent_is_read_or_it_is_none(header: str, read: TraceContext | None) -> None:
    assert read_traceparent(header) == read


def test_what_is_written_can_be_read() -> None:
    for context in (TraceContext(TRACE, SPAN), TraceContext(TRACE, SPAN, sampled=False)):
        assert read_traceparent(context.traceparent) == context


def test_a_run_is_in_the_trace_of_its_request_and_else_in_one_of_its_own_id() -> None:
    begun, alone = of_run(RUN, f"00-{TRACE}-{SPAN}-00"), of_run(RUN)

    assert (begun.trace, begun.sampled) == (TRACE, False)
    assert (alone.trace, alone.sampled) == (RUN.replace("-", ""), True)
    assert begun.span == alone.span != SPAN


def test_spans_below_one_are_the_same_whoever_asks_and_differ_by_what_they_are() -> None:
    run = of_run(RUN)

    assert run.below("/a#1/1") == of_run(RUN).below("/a#1/1")
    assert len({run.span, run.below("/a#1/1").span, run.below("/a#1/2").span, run.below("/b#1/1").span}) == 4
    assert run.below("/a#1/1").trace == run.trace


def test_a_call_of_which_no_trace_is_known_is_in_that_of_its_run() -> None:
    assert traceparent(RUN, "/a#1", "key").split("-")[1] == of_run(RUN).trace
