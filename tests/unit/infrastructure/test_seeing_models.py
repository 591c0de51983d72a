"""Images on their way to a model: fetched by us, looked at, and sent on as data."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.errors import ModelError
from domain.model import ModelRequest, ModelResponse, OnText
from infrastructure.models.images import MAX_BYTES, MOST_IMAGES, SeeingModels
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.door import Door
from tests.fakes import OneModel
from tests.servers.speaker import Speaker, speaking
from tests.servers.speaker import answer as said

PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n....", b"\xff\xd8\xff\xe0....", b"GIF89a...."
WEBP = b"RIFF\x04\x00\x00\x00WEBPVP8 "


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        yield speaker


@dataclass
class Watching(OneModel):
    asked: list[ModelRequest] = field(default_factory=list)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        self.asked.append(request)
        return await super().complete(request, on_text)


def parts(*urls: str) -> list[Any]:
    return [{"type": "text", "text": "What is it?"}, *({"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls)]


async def shown(here: Speaker, *urls: str, is_allowed: bool = True) -> list[str]:
    """What the model got to see."""
    models = Watching()
    door = Door(Addresses(Allowed(names=(here.place,) if is_allowed else ())))
    messages = ({"role": "system", "content": "Look"}, {"role": "user", "content": parts(*urls)})
    await SeeingModels(models, door).complete(ModelRequest("parrot", messages))
    content: Any = models.asked[0].messages[1]["content"]
    assert content[0] == {"type": "text", "text": "What is it?"}
    assert all(part["image_url"]["detail"] == "low" for part in content[1:])
    return [part["image_url"]["url"] for part in content[1:]]


async def refused(here: Speaker, *urls: str, is_allowed: bool = True) -> ModelError:
    with pytest.raises(ModelError) as error:
        await shown(here, *urls, is_allowed=is_allowed)
    return error.value


def as_data(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(("data", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")])
async def test_an_image_is_fetched_and_is_what_its_bytes_say(here: Speaker, data: bytes, kind: str) -> None:
    here.said = said(data, Content_Type="image/bmp")

    assert await shown(here, here.url + "/a.png", as_data(data, "text/html")) == [as_data(data, kind)] * 2


async def test_the_same_image_is_fetched_once(here: Speaker) -> None:
    here.said = said(PNG)

    assert await shown(here, here.url, here.url) == [as_data(PNG, "image/png")] * 2
    assert here.connections == 1


async def test_an_address_where_nobody_may_go_is_not_gone_to(here: Speaker) -> None:
    error = await refused(here, here.url + "/a.png?key=hush", is_allowed=False)

    assert (error.code, error.retryable, here.connections) == ("model_bad_image", False, 0)
    assert "hush" not in error.message


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(as_data(b"<svg/>", "image/png"), id="what is no image"),
        pytest.param("data:image/png;base64,%%%", id="no base64"),
        pytest.param("data:image/png,abc", id="not in base64"),
        pytest.param("data:image/png;base64," + "A" * (MAX_BYTES * 4 // 3 + 8), id="too large"),
        pytest.param("file:///etc/passwd", id="a file"),
    ],
)
async def test_what_is_no_image_is_refused(here: Speaker, url: str) -> None:
    assert (await refused(here, url)).code == "model_bad_image"


async def test_an_image_that_is_too_large_is_not_read_to_its_end(here: Speaker) -> None:
    here.said = said(PNG + b"x" * MAX_BYTES)

    assert (await refused(here, here.url)).code == "model_bad_image"


@pytest.mark.parametrize(("status", "passes"), [("404 Not Found", False), ("503 Busy", True)])
async def test_an_image_that_did_not_come_says_whether_it_may_later(here: Speaker, status: str, passes: bool) -> None:
    here.said = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()

    error = await refused(here, here.url)

    assert (error.code, error.retryable) == ("model_image_unreachable", passes)


async def test_more_images_than_a_call_may_have_are_refused_before_any_is_fetched(here: Speaker) -> None:
    assert (await refused(here, *[here.url] * (MOST_IMAGES + 1))).code == "model_bad_image"
    assert here.connections == 0


async def test_a_call_without_images_is_passed_on_as_it_is(here: Speaker) -> None:
    models = Watching()
    request = ModelRequest("parrot", ({"role": "user", "content": "hi"},))

    await SeeingModels(models, Door(Addresses(Allowed()))).complete(request)

    assert models.asked == [request]
