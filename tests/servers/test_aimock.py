"""The ways a provider can answer or fail that the adapter's contract needs are all there."""

import httpx
import pytest

from tests.plugins.aimock import StartModelServer
from tests.servers.aimock import Fixture, NoModelServer, running_aimock

Body = dict[str, object]


def question(text: str, **more: object) -> Body:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def about(text: str, response: Body, **more: object) -> Fixture:
    return {"match": {"userMessage": text}, "response": response, **more}


async def ask(base_url: str, body: Body) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"{base_url}/chat/completions", json=body)


async def streamed(base_url: str, body: Body) -> list[str]:
    """The data lines of a stream, as far as they came: the last is [DONE], or `cut`."""
    lines: list[str] = []
    try:
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", f"{base_url}/chat/completions", json=body | {"stream": True}) as answer,
        ):
            async for line in answer.aiter_lines():
                lines += [line.removeprefix("data: ")] if line else []
    except httpx.RemoteProtocolError:
        lines.append("cut")
    return lines


async def test_a_text_comes_with_its_usage(model_server: StartModelServer) -> None:
    server = model_server([about("hello", {"content": "Hi", "usage": {"prompt_tokens": 11, "completion_tokens": 7}})])

    answer = (await ask(server.base_url, question("hello"))).json()

    assert answer["choices"][0]["message"]["content"] == "Hi"
    assert answer["usage"] == {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


async def test_a_stream_comes_in_pieces_and_ends_with_done(model_server: StartModelServer) -> None:
    server = model_server([about("hello", {"content": "one two three"}, chunkSize=4)])

    lines = await streamed(server.base_url, question("hello", stream_options={"include_usage": True}))

    assert [piece for piece in ("one ", "two ", "thre", "e") if not any(f'"content":"{piece}"' in line for line in lines)] == []
    assert '"usage":{' in lines[-2]
    assert lines[-1] == "[DONE]"


async def test_a_tool_call_comes_with_its_arguments(model_server: StartModelServer) -> None:
    server = model_server([about("weather", {"toolCalls": [{"name": "get_weather", "arguments": {"city": "SF"}}]})])

    choice = (await ask(server.base_url, question("weather"))).json()["choices"][0]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"SF"}'}


async def test_a_rate_limit_says_when_to_come_back(model_server: StartModelServer) -> None:
    server = model_server([about("limit", {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 7})])

    answer = await ask(server.base_url, question("limit"))

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_a_server_error_is_a_500(model_server: StartModelServer) -> None:
    server = model_server([about("broken", {"error": {"message": "boom", "type": "server_error"}, "status": 500})])

    assert (await ask(server.base_url, question("broken"))).status_code == 500


async def test_a_cut_stream_lets_its_first_pieces_out(model_server: StartModelServer) -> None:
    server = model_server([about("cut", {"content": "This never ends well."}, chunkSize=5, latency=20, truncateAfterChunks=3)])

    lines = await streamed(server.base_url, question("cut"))

    assert any('"content":"This "' in line for line in lines)
    assert lines[-1] == "cut"


async def test_garbage_is_a_200_that_is_no_json(model_server: StartModelServer) -> None:
    server = model_server([about("garbage", {"content": "x"}, chaos={"malformedRate": 1})])

    answer = await ask(server.base_url, question("garbage"))

    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting"):
        answer.json()


async def test_a_provider_may_hang_up(model_server: StartModelServer) -> None:
    server = model_server([about("hang-up", {"content": "x"}, chaos={"disconnectRate": 1})])

    with pytest.raises(httpx.RemoteProtocolError):
        await ask(server.base_url, question("hang-up"))


@pytest.mark.parametrize(
    ("fixture", "stream"),
    [
        pytest.param(about("never", {"content": "x"}, streamingProfile={"ttft": 60_000}), True, id="a stream"),
        pytest.param(about("never", {"content": "x"}, chaos={"latencyMs": 30_000}), False, id="a plain answer"),
    ],
)
async def test_a_provider_may_never_answer(model_server: StartModelServer, fixture: Fixture, stream: bool) -> None:
    server = model_server([fixture])

    async with httpx.AsyncClient(timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{server.base_url}/chat/completions", json=question("never", stream=stream))


async def test_the_journal_counts_calls_and_forgets(model_server: StartModelServer) -> None:
    first = {"match": {"userMessage": "hello", "sequenceIndex": 0}, "response": {"error": {"message": "later"}, "status": 429}}
    server = model_server([first, about("hello", {"content": "Hi"})])

    statuses = [(await ask(server.base_url, question("hello"))).status_code for _ in range(3)]

    assert statuses == [429, 200, 200]
    assert [call["response"]["status"] for call in server.calls()] == statuses
    server.forget()
    assert server.calls() == []


async def test_a_question_no_fixture_knows_is_an_error(model_server: StartModelServer) -> None:
    server = model_server([about("hello", {"content": "Hi"})])

    answer = await ask(server.base_url, question("something else"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_fixture_match")


async def test_a_thousand_calls_do_not_fill_its_output(model_server: StartModelServer) -> None:
    server = model_server([about("hello", {"content": "Hi"})])

    async with httpx.AsyncClient() as client:
        answers = [await client.post(f"{server.base_url}/chat/completions", json=question("hello")) for _ in range(1000)]

    assert {answer.status_code for answer in answers} == {200}
    assert len(server.calls()) == 1000


def test_a_fixture_the_server_does_not_understand_stops_it_with_its_words(tmp_path_factory: pytest.TempPathFactory) -> None:
    broken = [{"match": {"userMessage": "x"}, "response": {"nothing": "it knows"}}]

    with pytest.raises(NoModelServer, match="did not start"), running_aimock(tmp_path_factory.mktemp("aimock"), broken):
        pass
