"""Status pages of the platforms, on a transport that a test answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from console.domain.errors import ProviderError
from providers.http import ProviderHttp
from providers.opened import Opened
from providers.registry import is_real_platform, open_provider, status_page_of
from providers.statuspages import PAGES, StatusPages

FINE = {"status": {"indicator": "none", "description": "All Systems Operational"}, "incidents": []}
ILL = {
    "page": {"id": "x", "name": "Render"},
    "status": {"indicator": "major", "description": "Partial System Outage"},
    "incidents": [
        {"name": "Builds are delayed", "status": "identified", "impact": "major"},
        {"name": "Yesterday", "status": "resolved"},
    ],
}
PAGE = "http://page"
INSTATUS = {"page": {"status": "HASISSUES"}, "activeIncidents": [{"name": "Slow", "status": "INVESTIGATING"}]}


class Page:
    """Answers as it is told to, and counts."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []
        self.now = 1000.0

    def open(self) -> StatusPages:
        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            return self.answer(request)

        return StatusPages(httpx.MockTransport(handle), lambda: self.now)


def says(body: object) -> Page:
    return Page(lambda request: httpx.Response(200, json=body, headers={"etag": '"1"'}))


class TestGivenAPageThatAnswers:
    async def test_when_all_is_well_then_there_is_no_incident(self):
        report = await says(FINE).open().fetch(PAGE)

        assert report is not None
        assert not report.is_incident
        assert report.words == "page: All Systems Operational"

    async def test_when_something_is_wrong_then_its_own_words_are_told(self):
        report = await says(ILL).open().fetch(PAGE)

        assert report is not None
        assert report.is_incident
        assert report.words == "page: Partial System Outage (Builds are delayed, identified)"

    async def test_when_it_is_an_instatus_page_then_it_is_read_too(self):
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json=INSTATUS) if request.url.path == "/summary.json" else httpx.Response(404)

        report = await Page(answer).open().fetch(PAGE)

        assert report is not None
        assert (report.is_incident, report.words) == (True, "page: HASISSUES (Slow, investigating)")

    async def test_when_it_is_asked_often_then_it_is_asked_once_a_minute(self):
        page = says(FINE)
        pages = page.open()

        for _ in range(5):
            await pages.fetch(PAGE)
        page.now += 61
        await pages.fetch(PAGE)

        assert len(page.asked) == 2
        assert page.asked[1].headers["if-none-match"] == '"1"'

    async def test_when_nothing_has_changed_then_what_it_said_before_holds(self):
        page = says(ILL)
        pages = page.open()
        before = await pages.fetch(PAGE)
        page.answer = lambda request: httpx.Response(304)
        page.now += 61

        assert await pages.fetch(PAGE) == before


class TestGivenAPageThatCannotBeRead:
    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(500),
            httpx.Response(200, text="<html>"),
            httpx.Response(200, json={}),
            httpx.Response(200, json=[]),
            httpx.Response(200, json={"status": {}}),
        ],
    )
    async def test_then_nothing_is_claimed_and_it_is_not_asked_again_at_once(self, answer: httpx.Response):
        page = Page(lambda request: answer)
        pages = page.open()

        assert await pages.fetch(PAGE) is None
        assert await pages.fetch(PAGE) is None
        assert len(page.asked) == 1

    async def test_when_the_network_is_down_then_nothing_is_claimed(self):
        def cut(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no route")

        assert await Page(cut).open().fetch(PAGE) is None

    async def test_when_there_is_no_page_then_nobody_is_asked(self):
        page = says(FINE)

        assert await page.open().fetch("") is None
        assert page.asked == []


class TestGivenAConnectionThatListens:
    async def ask(self, page: Page, status: int) -> ProviderError:
        async def at_once(seconds: float) -> None:
            return None

        pages = page.open()
        answer = httpx.MockTransport(lambda request: httpx.Response(status, json={"message": "try later"}))
        http = ProviderHttp("mine", "http://render", platform="Render", transport=answer, sleep=at_once)
        http.incident = lambda: pages.fetch_incident(PAGE)
        with pytest.raises(ProviderError) as problem:
            await http.fetch("/services", lambda body: body)
        await http.close()
        return problem.value

    async def test_when_a_platform_fails_and_has_an_incident_then_the_error_says_so(self):
        problem = await self.ask(says(ILL), 503)

        assert problem.what == (
            "Render failed to answer GET /services: try later. "
            "Its status page tells of an incident: page: Partial System Outage (Builds are delayed, identified)."
        )
        assert str(problem).startswith(problem.what)

    @pytest.mark.parametrize(("body", "status"), [(FINE, 503), (ILL, 404), (ILL, 401), (ILL, 429)])
    async def test_when_it_has_none_or_the_fault_is_ours_then_nothing_is_added(self, body: object, status: int):
        assert "incident" not in str(await self.ask(says(body), status))

    @pytest.mark.parametrize(("base_url", "told"), [("", True), ("http://127.0.0.1:4010/v1", False)])
    async def test_when_it_is_opened_then_only_the_platform_itself_is_listened_to(self, base_url: str, told: bool):
        settings = {"kind": "render", "token": "rnd_0123456789abcdef", **({"base_url": base_url} if base_url else {})}
        connection = open_provider("mine", settings, clock=lambda: datetime.now(UTC), pages=says(ILL).open())
        await connection.close()

        assert isinstance(connection, Opened)
        assert bool(await connection.http.incident()) is told


class TestGivenABlock:
    @pytest.mark.parametrize(
        ("platform", "settings", "real"),
        [
            ("render", {}, True),
            ("supabase", {"base_url": "https://api.supabase.com/v1"}, True),
            ("render", {"base_url": "http://127.0.0.1:4010/v1"}, False),
            ("github", {"base_url": "https://github.example.com/api/v3"}, False),
            ("caddy", {}, False),
            ("heroku", {}, False),
        ],
    )
    def test_then_only_the_platform_itself_has_a_status_page(self, platform: str, settings: dict[str, str], real: bool):
        assert is_real_platform(platform, settings) is real
        assert status_page_of(platform, settings, None) == (PAGES[platform] if real else "")
        assert status_page_of(platform, settings, "") == ""
        assert status_page_of(platform, settings, "https://status.example.com") == "https://status.example.com"

    def test_then_every_page_is_asked_encrypted(self):
        assert all(page.startswith("https://") for page in PAGES.values())
