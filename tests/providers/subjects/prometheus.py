"""Prometheus, against a small one that keeps its series."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from providers.opened import Opened
from providers.prometheus.adapter import open_connection
from providers.prometheus.settings import PrometheusSettings
from tests.playground.emulators.world import ManualClock
from tests.providers.prometheus.fake import FakePrometheus
from tests.providers.subject import Faults, Wish

KIND = "prometheus"
ACTUATORS = ()
SECRET = "prom-Zx81kfQ0vN5wLr7TtY2bUe"
QUERY = 'sum(failures{arm="blue"})'
STEP = timedelta(seconds=15)
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "value": lambda can: can.queries.fetch_value(QUERY),
    "series": lambda can: can.queries.fetch_series(QUERY, datetime.now(UTC) - 4 * STEP, datetime.now(UTC), STEP),
}


class PrometheusSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.prometheus = FakePrometheus(SECRET, self.now)
        self.prometheus.add("failures", "blue", 3.0)
        self.faults = Faults(httpx.ASGITransport(app=self.prometheus.app))

    def open(self) -> Opened:
        settings = PrometheusSettings(base_url="http://prometheus", token=SECRET)
        return open_connection("metrics", settings, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def finish(self) -> None:
        """Nothing is ever begun there."""

    async def wish(self, capability: str) -> Wish:
        raise NotImplementedError("nothing is changed there")


@asynccontextmanager
async def subject() -> AsyncIterator[PrometheusSubject]:
    yield PrometheusSubject()
