"""`weft serve` and `weft worker`: processes that stay until they are asked to stop."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import uvicorn

from interface.cli.failures import CommandFailed, Exit
from interface.cli.launcher import App, Launcher
from interface.cli.probes import Probes
from interface.cli.stopping import Stop, given_up_when_stopped, listening_for_signals, opened_unless_stopped

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Part: TypeAlias = Callable[[], Awaitable[None]]
HEAD_START_SECONDS = 0.1
"""Of the first answers, before a worker in the same process begins."""


class Listener(uvicorn.Server):
    """uvicorn without its own idea of signals; says when it listens."""

    def __init__(self, app: "ASGIApp", grace_seconds: float, when_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, server_header=False, ws_max_size=64 * 1024)
        config.timeout_graceful_shutdown = max(1, round(grace_seconds))
        super().__init__(config)
        self._when_ready = when_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._when_ready()


async def serve(launcher: Launcher, *, with_worker: bool, **flags: object) -> None:
    """The REST interface and, unless told otherwise, a worker in the same process. Returns when a stop was asked for and done."""
    settings = launcher.settings(**flags)
    listening = listen_on(settings.host, settings.port)
    with listening_for_signals() as stop, listening:
        async with AsyncExitStack() as stack:
            app = await opened_unless_stopped(stack, launcher.open_app(patient=False, **flags), stop)
            if app is None:
                return
            refuse_strangers(app, settings.host)
            listens = asyncio.Event()

            def announce() -> None:
                work = "" if with_worker else ", without a worker"
                print(f"Weft listens on {address_of(listening)}{work}; its API is described at /docs; Ctrl-C stops it", flush=True)
                listens.set()

            rest = Listener(app.rest(stop.asked), settings.grace_seconds, announce)
            parts: list[Part] = [lambda: _listen(rest, listening, stop)]
            if with_worker:
                parts.append(lambda: _work_when(listens, app, stop))
            await together(stop, parts)


async def work(launcher: Launcher, **flags: object) -> None:
    """A worker on its own; on `metrics_port` it answers probes, while it still waits for its database too."""
    settings = launcher.settings(**flags)
    probes = Probes()
    with listening_for_signals() as stop:
        parts: list[Part] = [lambda: _work_when_opened(launcher, probes, stop, flags)]
        if settings.metrics_port is None:
            await together(stop, parts)
            return
        with listen_on(settings.host, settings.metrics_port) as listening:

            def announce() -> None:
                print(f"Weft's worker shows /metrics, /livez and /readyz on {address_of(listening)}", flush=True)

            parts.append(lambda: _listen(Listener(probes.served(), 1.0, announce), listening, stop))
            await together(stop, parts)


async def _work_when_opened(launcher: Launcher, probes: Probes, stop: Stop, flags: dict[str, object]) -> None:
    async with AsyncExitStack() as stack:
        probes.app = await opened_unless_stopped(stack, launcher.open_app(patient=True, **flags), stop)
        if probes.app is not None:
            await work_until_asked(probes.app, stop)


async def together(stop: Stop, parts: list[Part]) -> None:
    """All at once; when one ends, the others are asked to. The first error is raised after all are done."""

    async def run(part: Part) -> None:
        try:
            await part()
        finally:
            stop.asked.set()

    results = await asyncio.gather(*(run(part) for part in parts), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _work_when(listens: asyncio.Event, app: App, stop: Stop) -> None:
    """What a worker loads first would hold up the first answers."""
    async with given_up_when_stopped(stop):
        await listens.wait()
        await asyncio.sleep(HEAD_START_SECONDS)
    if not stop.asked.is_set():
        await work_until_asked(app, stop)


async def work_until_asked(app: App, stop: Stop) -> None:
    """Asked to stop, a worker lets its nodes finish within its grace and hands the rest back."""
    asked = asyncio.create_task(stop.asked.wait())
    asked.add_done_callback(lambda _: app.worker.stop())
    try:
        await app.work()
    finally:
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


async def _listen(listener: Listener, listening: socket.socket, stop: Stop) -> None:
    async def end_when_asked() -> None:
        await stop.asked.wait()
        listener.should_exit = True

    ending = asyncio.create_task(end_when_asked())
    try:
        await listener.serve(sockets=[listening])
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)


def listen_on(host: str, port: int) -> socket.socket:
    """Before anything is opened, so that a taken port is said at once. Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # Taken over by its connections. asyncio sets it only where a socket names its protocol, and without it the body of an answer
        # waits 40 ms for the client to acknowledge the head.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CommandFailed(f"cannot listen on {host}:{port} ({why}): give another with --port or --host") from error


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refuse_strangers(app: App, host: str) -> None:
    """Without keys everybody who reaches the service is its admin."""
    if app.desk.authenticate.keyless and not is_loopback(host):
        sentence = (
            f"without API keys Weft listens on loopback only, and {host} is not: make one with `weft keys create` or set WEFT_API_KEYS"
        )
        raise CommandFailed(sentence, code=Exit.WRONG_USE)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
