"""Issues that users report, against a small Sentry that keeps them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from providers.opened import Opened
from providers.reports.adapter import open_connection
from providers.reports.settings import ReportsSettings
from tests.playground.emulators.world import ManualClock
from tests.providers.reports.fake import FakeSentry
from tests.providers.subject import Faults, Wish

KIND = "reports"
ACTUATORS = ()
SECRET = "sntrys_Tg7cV1nQ84zXwLr0pYbK"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "reports": lambda can: can.reports.fetch_reports("shop", ("v1", "v2"), LONG_AGO),
}


class ReportsSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sentry = FakeSentry(SECRET)
        self.faults = Faults(httpx.ASGITransport(app=self.sentry.app))

    def open(self) -> Opened:
        settings = ReportsSettings(base_url="http://sentry", organization="acme", token=SECRET)
        return open_connection("issues", settings, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def finish(self) -> None:
        """Nothing is ever begun there."""

    async def wish(self, capability: str) -> Wish:
        raise NotImplementedError("nothing is changed there")


@asynccontextmanager
async def subject() -> AsyncIterator[ReportsSubject]:
    yield ReportsSubject()
