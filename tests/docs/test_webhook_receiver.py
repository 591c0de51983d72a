"""The receiver that docs/webhooks.md shows lets in what Weft signs, and nothing else."""

import time
from pathlib import Path

import pytest

from domain.webhook import secret_of, signature
from tests.architecture.places import ROOT
from tests.docs.pages import Page
from tests.servers import web
from tests.servers.commands import commands

pytestmark = pytest.mark.processes
SECRET, OTHER = secret_of(b"s" * 32), secret_of(b"o" * 32)
BODY = b'{"type": "run.completed"}'


def test_it_takes_what_is_signed_once_and_refuses_the_rest(tmp_path: Path) -> None:
    (block,) = [block for block in Page(ROOT / "docs" / "webhooks.md").blocks if block.file == "receiver.py"]
    (tmp_path / "receiver.py").write_text(block.text)
    with commands(tmp_path, {"WEBHOOK_SECRET": SECRET, "PORT": "0"}, tmp_path) as started:
        running = started.module("receiver")
        url = running.url()

        now = int(time.time())
        answers = [
            post(url, now, BODY, signature("evt_1", now, BODY, [SECRET])),
            post(url, now, BODY, signature("evt_1", now, BODY, [OTHER, SECRET])),
            post(url, now, BODY + b" ", signature("evt_1", now, BODY, [SECRET])),
            post(url, now, BODY, signature("evt_1", now, BODY, [OTHER])),
            post(url, now - 301, BODY, signature("evt_1", now - 301, BODY, [SECRET])),
        ]

        assert answers == [204, 204, 400, 400, 400]
        assert running.out.read_text().count("run.completed") == 1


def post(url: str, at: int, body: bytes, signed: str) -> int:
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": signed}
    return web.post(url, content=body, headers=headers).status_code
