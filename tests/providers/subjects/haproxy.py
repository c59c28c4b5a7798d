"""HAProxy itself, where it is installed; one process, put back to its file's weights for each law."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from providers.contract import Nothing, ShiftTraffic
from providers.haproxy.adapter import open_connection
from providers.haproxy.checks import Checks
from providers.haproxy.servers import OneServer, Servers
from providers.haproxy.settings import HAProxySettings, RouteSettings
from providers.haproxy.socket import RuntimeSocket
from providers.opened import Opened
from tests.providers.haproxy.real import real_haproxy
from tests.providers.subject import Faults, Wish

KIND = "haproxy"
ACTUATORS = ("shift_traffic",)
ACTIONS = ("drain", "maintenance", "ready")
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "weights": lambda can: can.router.fetch_weights("app"),
    "underway": lambda can: can.underway.fetch_underway("app"),
    "sticky": lambda can: can.router.fetch_sticky("app"),
    "run": lambda can: can.router.fetch_run("app"),
    "counters": lambda can: can.counters.fetch_counters("app"),
}
ASKS = {"servers": Servers("app"), "process": Nothing(), "checks": Checks("app")}
SECRET = "sbp_0123456789abcdef0123456789abcdef01234567"
"""A socket has none; this looks like one, and must not be quoted."""
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


class Counting(RuntimeSocket):
    """Counts the lines after which HAProxy's servers were set otherwise than before."""

    changes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        before = real_haproxy().command("show servers state app") if request.method == "POST" else ""
        answer = await super().handle_async_request(request)
        self.changes += bool(before) and _set(before) != _set(real_haproxy().command("show servers state app"))
        return answer


def _set(state: str) -> list[list[str]]:
    """Names, administrative states and weights, without how long that is so."""
    return [line.split(" ")[3:9] for line in state.splitlines()[2:]]


async def no_sleep(seconds: float) -> None:
    pass


class HAProxySubject:
    secret = SECRET

    def __init__(self) -> None:
        self.haproxy = real_haproxy()
        self.haproxy.reset()
        self.counting = Counting(self.haproxy.address)
        self.faults = Faults(self.counting)

    def open(self) -> Opened:
        settings = HAProxySettings(socket=self.haproxy.address, routes={"app": RouteSettings()})
        return open_connection("edge", settings, clock=self.now, sleep=no_sleep, transport=self.faults)

    def now(self) -> datetime:
        return NOW

    async def finish(self) -> None:
        """HAProxy has done a change when it answers."""

    async def wish(self, capability: str) -> Wish:
        if capability == "shift_traffic":
            request = ShiftTraffic("app", {"blue": 90, "green": 10})
            unknown = ('nope@{"blue":90,"green":10}', 'a;b@{"blue":100}', "app@[]", "app@{}")
            return Wish(request, lambda: self.counting.changes, unknown)
        if capability == "do:ready":
            self.haproxy.command("set server app/blue state maint")
        unknown = ('{"backend":"app","server":"red"}', '{"backend":"nope","server":"blue"}', '{"backend":"a b"}')
        return Wish(OneServer("app", "blue"), lambda: self.counting.changes, unknown)


@asynccontextmanager
async def subject() -> AsyncIterator[HAProxySubject]:
    yield HAProxySubject()
