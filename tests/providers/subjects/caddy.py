"""Caddy itself, from its wheel; one process, configured anew for each law."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from providers.caddy.adapter import open_connection
from providers.caddy.settings import CaddySettings, RouteSettings
from providers.contract import Maintain, ShiftTraffic
from providers.opened import Opened
from tests.providers.caddy.real import real_caddy
from tests.providers.subject import CHANGING, Faults, Wish

KIND = "caddy"
ACTUATORS = ("shift_traffic", "maintain")
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "weights": lambda can: can.router.fetch_weights("backend"),
    "page": lambda can: can.pages.fetch_page("backend"),
    "underway": lambda can: can.underway.fetch_underway("backend"),
    "run": lambda can: can.router.fetch_run("backend"),
    "counters": lambda can: can.counters.fetch_counters("backend"),
}
SECRET = "a-token-for-the-proxy-in-front"
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


class Counting(httpx.AsyncHTTPTransport):
    """Counts what really changed Caddy's configuration."""

    changes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        self.changes += request.method in CHANGING and answer.is_success
        return answer


async def no_sleep(seconds: float) -> None:
    pass


class CaddySubject:
    secret = SECRET

    def __init__(self) -> None:
        self.caddy = real_caddy()
        self.caddy.reset()
        self.counting = Counting(uds=self.caddy.admin, verify=False)
        self.faults = Faults(self.counting)

    def open(self) -> Opened:
        routes = {"backend": RouteSettings(metrics=self.caddy.metrics_name)}
        settings = CaddySettings(admin_url="http://127.0.0.1", token=SECRET, routes=routes)
        return open_connection("edge", settings, clock=self.now, sleep=no_sleep, transport=self.faults)

    def now(self) -> datetime:
        return NOW

    async def finish(self) -> None:
        """Caddy has done a change when it answers."""

    async def wish(self, capability: str) -> Wish:
        if capability == "maintain":
            away = '{"message":"","on":false,"open_paths":[],"page":"","target":"nope","until":null}'
            return Wish(Maintain("backend", True, "Back soon."), lambda: self.counting.changes, (away, "backend", "{}"))
        request = ShiftTraffic("backend", {"blue": 90, "green": 10})
        return Wish(request, lambda: self.counting.changes, ('nope@{"blue":90,"green":10}', "backend@[]", "backend@{}"))


@asynccontextmanager
async def subject() -> AsyncIterator[CaddySubject]:
    yield CaddySubject()
