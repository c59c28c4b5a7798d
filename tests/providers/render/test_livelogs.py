"""Following Render's logs live: each line once, whatever becomes of the WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from console.domain.errors import ProviderError, Unauthorized
from console.domain.telemetry import LogLine
from console.playground.scene import RENDER_OWNER
from console.playground.serving import Served, bind_loopback
from providers.opened import Opened
from providers.render.adapter import open_connection
from providers.render.livelog import LONGEST_WAIT_S, REFUSED_WAIT_S, Live, LiveLog
from providers.render.readings import Logs
from providers.render.settings import RenderSettings
from providers.render.subscription import NoSocket, NotLive, connect_by_network
from providers.tail import Entry
from tests.playground.emulators.world import settle
from tests.providers.render.sockets import Sockets
from tests.providers.subjects.render import BLUE, SECRET, RenderSubject, strangers

SAID = "said "
START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
REFUSED = NoSocket("connection refused")


def following(connection: Opened, since: datetime) -> AsyncGenerator[LogLine, None]:
    logs = connection.capabilities.logs
    assert isinstance(logs, Logs)
    return logs.follow_logs(BLUE, since)


class Listener:
    """Follows one log on a clock that the test moves, and keeps what it heard."""

    def __init__(self, render: RenderSubject, sockets: Sockets | None) -> None:
        self.render = render
        self.connection = open_connection(
            "render",
            RenderSettings(base_url="http://render/v1", token=SecretStr(SECRET), owner=RENDER_OWNER),
            clock=render.now,
            sleep=render.clock.sleep,
            transport=render.faults,
            connector=sockets,
        )
        self.heard: list[str] = []
        self.numbers: list[int] = []
        self.error: ProviderError | None = None
        self._following: asyncio.Task[None] | None = None

    async def _follow(self) -> None:
        try:
            async for line in following(self.connection, self.render.now() - timedelta(seconds=1)):
                if line.text.startswith(SAID):
                    self.heard.append(line.text.removeprefix(SAID))
                    self.numbers.append(line.number)
        except ProviderError as error:
            self.error = error

    async def hears(self, text: str, seconds: float = 1.0) -> list[str]:
        """Say something there, let time pass, and give all that was heard by then."""
        self.render.hosting.says("backend-blue", SAID + text)
        await self.passes(seconds)
        return self.heard

    async def passes(self, seconds: float) -> None:
        self._following = self._following or asyncio.create_task(self._follow())
        await settle()
        await self.render.clock.advance(seconds)
        await settle()

    @property
    def looks(self) -> int:
        return sum(one.url.path == "/v1/logs" for one in self.render.faults.sent)

    async def close(self) -> None:
        if self._following:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self.connection.close()


@pytest.fixture
def sockets(render: RenderSubject) -> Sockets:
    return Sockets(render.emulator.app)


@pytest.fixture
async def listener(render: RenderSubject, sockets: Sockets) -> AsyncIterator[Listener]:
    one = Listener(render, sockets)
    yield one
    await one.close()


class TestGivenAnOpenSocket:
    async def test_when_lines_come_then_each_is_heard_at_once_and_nothing_is_asked_again(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        for number in range(5):
            await listener.hears(str(number))
        await listener.passes(120)

        assert await listener.hears("late") == ["0", "1", "2", "3", "4", "late"]
        assert listener.numbers == sorted(set(listener.numbers))
        assert (listener.looks, len(sockets.opened)) == (1, 1)

    async def test_then_what_was_sent_is_what_the_document_allows_with_the_token_in_a_header(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        await listener.passes(1)

        assert strangers(sockets.asked) == []
        assert sockets.asked[0].headers["authorization"] == f"Bearer {SECRET}"
        assert SECRET not in str(sockets.asked[0].url)
        assert dict(sockets.asked[0].url.params).keys() == {"ownerId", "resource", "startTime"}
        assert "reading" in listener.connection.http.describe_limits()

    async def test_when_nobody_listens_any_more_then_it_is_closed(self, listener: Listener, sockets: Sockets) -> None:
        await listener.hears("one")

        await listener.close()

        assert [one.is_closed for one in sockets.opened] == [True]


class TestGivenASocketThatEnds:
    async def test_when_render_ends_it_then_it_is_opened_anew_and_no_line_comes_twice(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        await listener.hears("before")
        await listener.passes(602)

        assert await listener.hears("after", 3) == ["before", "after"]
        assert len(sockets.opened) == 2

    async def test_when_it_breaks_while_lines_come_then_those_in_between_are_not_lost(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        await listener.hears("one")
        sockets.opened[-1].cut()
        await listener.hears("two", 0)
        await listener.hears("three", 0.1)

        assert await listener.hears("four", 3) == ["one", "two", "three", "four"]
        assert len(sockets.opened) == 2

    async def test_when_it_breaks_at_once_every_time_then_it_is_opened_ever_more_seldom(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        for _ in range(300):
            if sockets.opened and not sockets.opened[-1].is_closed:
                sockets.opened[-1].cut()
            await listener.passes(1)

        assert 6 <= len(sockets.opened) <= 16
        assert await listener.hears("still", 25) == ["still"]

    async def test_when_frames_are_no_log_lines_then_lines_are_asked_for(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        await listener.hears("one")
        sockets.opened[-1].frames.put_nowait(json.dumps({"event": "hello"}))
        await listener.hears("two", 3)

        assert await listener.hears("three", 20) == ["one", "two", "three"]
        assert len(sockets.opened) == 1


class TestGivenNoSocketCanBeOpened:
    @pytest.mark.parametrize(
        ("trouble", "again"),
        [
            (NoSocket("connection refused"), LONGEST_WAIT_S),
            (NoSocket("HTTP 503", 503, {}, "busy"), LONGEST_WAIT_S),
            (NoSocket("HTTP 404", 404, {"content-type": "text/html"}, "<html>no such page</html>"), REFUSED_WAIT_S),
            (NoSocket("HTTP 200", 200, {"content-encoding": "gzip"}, "welcome to our proxy"), REFUSED_WAIT_S),
        ],
        ids=["refused", "failing", "unknown", "proxy"],
    )
    async def test_when_lines_come_then_they_are_asked_for_and_later_the_socket_takes_over_without_repeats(
        self, listener: Listener, sockets: Sockets, trouble: NoSocket, again: float
    ) -> None:
        sockets.closed_for_good = trouble
        await listener.hears("one", 3)
        assert await listener.hears("two", 25) == ["one", "two"]
        tried = len(sockets.asked)
        assert tried <= 6

        sockets.closed_for_good = None
        await listener.passes(1.5 * again)
        looks = listener.looks

        assert await listener.hears("three", 1) == ["one", "two", "three"]
        assert (len(sockets.opened), listener.looks) == (1, looks)

    async def test_when_it_was_one_refusal_then_the_socket_is_opened_within_seconds(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        sockets.trouble = [REFUSED]
        await listener.passes(3)

        assert len(sockets.opened) == 1

    async def test_when_the_limit_is_used_up_then_it_waits_as_long_as_render_says(
        self, listener: Listener, sockets: Sockets
    ) -> None:
        headers = {"ratelimit-limit": "400", "ratelimit-remaining": "0", "ratelimit-reset": "40"}
        sockets.trouble = [NoSocket("HTTP 429", 429, headers, '{"message": "rate limit exceeded"}')]
        await listener.passes(38)
        assert (len(sockets.asked), listener.looks) == (1, 0)

        assert await listener.hears("one", 30) == ["one"]
        assert len(sockets.opened) == 1

    @pytest.mark.parametrize("status", [401, 403])
    async def test_when_the_token_is_refused_then_following_ends_with_that(
        self, listener: Listener, sockets: Sockets, status: int
    ) -> None:
        body = json.dumps({"message": f"no rights for {SECRET}"})
        sockets.trouble = [NoSocket(f"HTTP {status}", status, {"content-type": "application/json"}, body)]
        await listener.passes(1)

        assert isinstance(listener.error, Unauthorized)
        assert SECRET not in f"{listener.error} {listener.error.what}"
        assert "/logs/subscribe" in listener.error.what

    async def test_when_asking_fails_as_well_then_no_line_is_lost(self, listener: Listener, sockets: Sockets) -> None:
        await listener.hears("one")
        listener.render.faults.answer(503, {"message": "busy"})
        sockets.opened[-1].cut()
        await listener.hears("two", 15)
        listener.render.faults.clear()

        assert await listener.hears("three", 90) == ["one", "two", "three"]
        assert listener.error is None


class Refusing:
    """A log without subscriptions and lines; ends at the ninth try. `tries` are the seconds at which one was made."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tries: list[float] = []

    async def subscribe(self, start: datetime) -> Live:
        self.tries.append(self.now)
        if len(self.tries) > 8:
            raise asyncio.CancelledError
        raise NotLive("nobody there")

    async def fetch(self, start: datetime) -> list[Entry]:
        return []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.now)


class TestGivenBackoff:
    @pytest.mark.parametrize(
        ("chance", "waits"),
        [(0.0, [0.5, 1, 2, 4, 8, 16, 30, 30]), (1.0, [1.5, 3, 6, 12, 24, 48, 90, 90])],
    )
    async def test_then_each_wait_is_twice_the_one_before_by_half_less_or_more(
        self, chance: float, waits: list[float]
    ) -> None:
        place = Refusing()
        log = LiveLog("api", START, place.subscribe, place.fetch, place.sleep, place.clock, 2.0, lambda: chance)
        with suppress(asyncio.CancelledError):
            async for _ in log.follow():
                pass

        assert [later - earlier for earlier, later in pairwise(place.tries)] == pytest.approx(waits)


class Counted:
    """An application, and how many WebSockets were asked of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.sockets += scope["type"] == "websocket"
        await self._app(scope, receive, send)


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0.001)


@asynccontextmanager
async def served(app: ASGIApp, token: str, render: RenderSubject) -> AsyncIterator[Opened]:
    """A connection to an application behind a real socket of this machine."""
    server = Served(app, held := bind_loopback())
    server.start()
    settings = RenderSettings(
        base_url=f"http://127.0.0.1:{held.getsockname()[1]}/v1", token=SecretStr(token), owner=RENDER_OWNER
    )
    connection = open_connection("render", settings, clock=render.now, sleep=at_once)
    try:
        yield connection
    finally:
        await connection.close()
        await server.stop()


class TestGivenARealSocket:
    async def test_when_the_server_ends_it_then_it_is_opened_anew_and_each_line_is_heard_once(
        self, render: RenderSubject
    ) -> None:
        app = Counted(render.emulator.app)
        heard = []
        async with (
            asyncio.timeout(20),
            served(app, SECRET, render) as connection,
            aclosing(following(connection, render.now() - timedelta(seconds=1))) as lines,
        ):
            for number in range(4):
                heard.append(await self._next(render, lines, str(number)))
                if number == 1:
                    await render.clock.advance(601)

        assert heard == ["0", "1", "2", "3"]
        assert app.sockets == 2

    async def _next(self, render: RenderSubject, lines: AsyncIterator[LogLine], text: str) -> str:
        """Say a line there, and let time pass until the next one is heard."""
        render.hosting.says("backend-blue", SAID + text)
        while True:
            waiting = asyncio.ensure_future(anext(lines))
            while not waiting.done():
                await render.clock.advance(0.5)
                await asyncio.wait({waiting}, timeout=0.02)
            if (line := await waiting).text.startswith(SAID):
                return line.text.removeprefix(SAID)

    async def test_when_everything_is_logged_then_the_token_is_not(
        self, render: RenderSubject, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with (
            served(render.emulator.app, SECRET, render) as connection,
            aclosing(following(connection, render.now() - timedelta(seconds=1))) as lines,
        ):
            await self._next(render, lines, "one")

        assert SECRET not in caplog.text

    async def test_when_nobody_is_there_then_that_is_no_socket(self) -> None:
        with bind_loopback() as held:
            port = held.getsockname()[1]

        with pytest.raises(NoSocket) as raised:
            await connect_by_network(f"ws://127.0.0.1:{port}/v1/logs/subscribe", {})

        assert raised.value.status == 0

    async def test_when_the_token_is_wrong_then_render_says_so_in_the_handshake(self, render: RenderSubject) -> None:
        async with served(render.emulator.app, "rnd_wrong", render) as connection:
            with pytest.raises(Unauthorized) as raised:
                await anext(following(connection, render.now()))

        assert "/logs/subscribe: unauthorized" in raised.value.what


class TestGivenAnAdapterThatNobodyListensTo:
    def test_then_websockets_is_not_loaded(self) -> None:
        code = (
            "import sys, providers.render.adapter; "
            "sys.exit(not {'websockets', 'providers.render.livelog'}.isdisjoint(sys.modules))"
        )

        assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
