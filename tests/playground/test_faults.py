import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from console.domain.errors import UsageError
from console.playground.emulators.clock import SystemClock
from console.playground.emulators.limits import Budget, Demand, Windows
from console.playground.emulators.render_app import Frontdoor
from console.playground.faults import FaultyApp, PlatformFault, read_fault


class Platform:
    """An app that remembers what took effect."""

    def __init__(self) -> None:
        self.effects: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.effects.append(scope["method"])
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def ask(app: FaultyApp, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": method, "path": "/"}, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


class TestGivenAPlatformWithoutFaults:
    async def test_then_it_answers_as_it_would(self):
        assert (await ask(FaultyApp("render", Platform())))[0] == 201


class TestGivenAFailingPlatform:
    async def test_when_the_rate_is_one_then_every_request_fails_without_effect(self):
        platform = Platform()
        app = FaultyApp("vercel", platform)
        app.fault = PlatformFault(status=503)

        status, _, body = await ask(app, "POST")

        assert status == 503
        assert json.loads(body)["error"]["code"]
        assert platform.effects == []

    async def test_when_the_rate_is_less_then_the_others_pass(self):
        tosses = iter([0.29, 0.31])
        app = FaultyApp("render", Platform(), toss=lambda: next(tosses))
        app.fault = PlatformFault(status=503, rate=0.3)

        assert [(await ask(app))[0], (await ask(app))[0]] == [503, 201]

    async def test_when_replies_are_lost_then_the_effect_is_there_all_the_same(self):
        platform = Platform()
        app = FaultyApp("render", platform, toss=lambda: 0.0)
        app.fault = PlatformFault(status=503, lose_replies=True)

        status, _, _ = await ask(app, "POST")

        assert status == 503
        assert platform.effects == ["POST"]

    async def test_when_it_hangs_then_there_is_no_answer_until_the_client_is_gone(self):
        platform = Platform()
        app = FaultyApp("github", platform)
        app.fault = PlatformFault(hang=True)
        gone = asyncio.Event()

        async def receive() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            raise AssertionError(message)

        asking = asyncio.create_task(app({"type": "http", "method": "GET"}, receive, send))
        await asyncio.sleep(0)
        assert not asking.done()
        gone.set()
        await asking
        assert platform.effects == []


class TestGivenARateLimitedPlatform:
    @pytest.mark.parametrize(
        ("platform", "header"),
        [
            ("render", "ratelimit-reset"),
            ("vercel", "retry-after"),
            ("supabase", "x-ratelimit-reset"),
            ("github", "retry-after"),
        ],
    )
    async def test_then_it_says_so_in_its_own_headers(self, platform, header):
        app = FaultyApp(platform, Platform())
        app.fault = PlatformFault(rate_limit=True)

        status, headers, _ = await ask(app)

        assert status == 429
        assert int(headers[header]) > 0


class TestGivenAPlatformThatAnswersGarbage:
    @pytest.mark.parametrize("toss", [0.1, 0.9])
    async def test_then_the_answer_is_200_and_cannot_be_read(self, toss):
        app = FaultyApp("render", Platform(), toss=lambda: toss)
        app.fault = PlatformFault(garbage=True)

        status, _, body = await ask(app)

        assert status == 200
        with pytest.raises(ValueError):
            json.loads(body)


class TestGivenSettingsFromOutside:
    @pytest.mark.parametrize("settings", [{"rate": 1.5}, {"status": 200}, {"colour": "red"}])
    def test_when_they_make_no_sense_then_they_are_refused(self, settings):
        with pytest.raises(UsageError):
            read_fault(settings)


class TestGivenAnswersThatAreSpoiltOnTheWay:
    async def test_when_they_are_empty_then_it_was_done_all_the_same(self):
        platform = Platform()
        app = FaultyApp("vercel", platform)
        app.fault = PlatformFault(empty=True)

        assert await ask(app, "POST") == (200, {"content-type": "application/json", "content-length": "0"}, b"")
        assert platform.effects == ["POST"]

    async def test_when_they_are_cut_then_less_comes_than_was_promised(self):
        platform = Platform()
        app = FaultyApp("supabase", platform)
        app.fault = PlatformFault(cut=True)

        _, headers, body = await ask(app, "POST")

        assert int(headers["content-length"]) > len(body)
        assert platform.effects == ["POST"]

    async def test_when_they_are_slow_then_they_come_in_the_end(self):
        app = FaultyApp("github", Platform(), toss=lambda: 0.0)
        app.fault = PlatformFault(slow=True)

        assert await ask(app) == (201, {}, b"{}")

    async def test_when_several_kinds_are_set_then_each_strikes_and_is_counted(self):
        app = FaultyApp("render", Platform())
        app.fault = PlatformFault(status=503, garbage=True, empty=True, seed=1)

        statuses = {(await ask(app))[0] for _ in range(40)}

        assert statuses == {200, 503}
        assert set(app.spoilt) == {"status", "garbage", "empty"}
        assert sum(app.spoilt.values()) == app.came == 40

    async def test_when_the_seed_is_the_same_then_so_are_the_lots(self):
        drawn = []
        for _ in range(2):
            app = FaultyApp("render", Platform())
            app.fault = PlatformFault(status=503, rate=0.5, seed=7)
            drawn.append([(await ask(app))[0] for _ in range(20)])

        assert drawn[0] == drawn[1]


class TestGivenAPlatformWithLimits:
    async def test_when_a_request_is_struck_then_it_counts_and_does_nothing(self):
        windows, effects = Windows(SystemClock()), []

        async def deploy(_: Request) -> Response:
            effects.append("deploy")
            return Response(status_code=201)

        door = Frontdoor("token", SystemClock(), windows)
        app = FaultyApp("render", door.open([door.route("POST", "/deploys", deploy)]), counts_struck=True)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://render") as client:
            for fault in (PlatformFault(), PlatformFault(status=502)):
                app.fault = fault
                answer = await client.post("/v1/deploys", headers={"authorization": "Bearer token"})

        assert answer.status_code == 502
        assert effects == ["deploy"]
        assert windows.demands["changing"].most == 2

    def test_when_more_comes_than_a_window_holds_then_it_is_told(self):
        windows = Windows(SystemClock())

        for _ in range(3):
            windows.spend("management", Budget(2, 60))

        assert windows.demands == {"management": Demand(2, 60, most=2, refused=1)}
