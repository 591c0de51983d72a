"""What agents say to providers, in the shapes of two of them, before an independent server that checks and keeps what it is asked."""

from typing import Any, cast

import pytest

from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Endpoint, ModelSettings
from tests.plugins.aimock import StartModelServer
from tests.unit.infrastructure.agents.stage import Player, Table

GO = {"userMessage": "Go."}
CALLS = [{"name": "look", "arguments": {"word": "ab"}}, {"name": "look", "arguments": {"word": "cd"}}]
PROVIDER: list[dict[str, Any]] = [
    {"match": {**GO, "hasToolResult": False}, "response": {"toolCalls": CALLS, "usage": {"prompt_tokens": 40, "completion_tokens": 9}}},
    {
        "match": {**GO, "hasToolResult": True},
        "response": {"content": "They mean ba and dc.", "usage": {"prompt_tokens": 90, "completion_tokens": 7}},
    },
]


def told(call: dict[str, Any]) -> list[str]:
    """The results of tools in a request, as either shape has them."""
    messages = call["body"]["messages"]
    plain = [message["content"] for message in messages if message["role"] == "tool"]
    blocks = [block for message in messages if isinstance(message.get("content"), list) for block in message["content"]]
    return [*plain, *(str(block["content"]) for block in blocks if block.get("type") == "tool_result")]


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"])
async def test_an_agent_talks_with_a_provider_and_its_tools(model: str, model_server: StartModelServer) -> None:
    server = model_server(PROVIDER)
    address = server.base_url if model.startswith("openai") else server.origin
    models = ConfiguredModels(ModelSettings({"fast": model}, {model: Endpoint(address)}))
    try:
        output = await Table(cast(Player, models)).play(tools=["look"], instructions="You look words up.")
    finally:
        await models.close()
    first, second = server.calls()

    assert (output["text"], output["turns"]) == ("They mean ba and dc.", 2)
    assert [message["role"] for message in output["messages"]] == ["user", "assistant", "tool", "tool", "assistant"]
    assert (told(first), sorted(map(str, told(second)))) == ([], ["ab means ba", "cd means dc"])
    assert (output["usage"]["total_tokens"], output["usage"]["cost"] is not None) == (146, True)
