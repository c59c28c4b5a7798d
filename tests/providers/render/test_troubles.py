"""Instances that failed and limits of machines, from Render's events and figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from providers.opened import Opened
from providers.render.adapter import open_connection
from providers.render.settings import RenderSettings

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVENTS = [
    {"type": "server_failed", "timestamp": "2026-11-22T12:00:30Z", "details": {"reason": {"nonZeroExit": 137}}},
    {"type": "server_failed", "timestamp": "2026-11-22T11:59:00Z", "details": {}},
    {"type": "deploy_ended", "timestamp": "2026-11-22T12:00:31Z", "details": {}},
]


async def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/events"):
        return httpx.Response(200, json=[{"event": {"id": "evt-1", **event}, "cursor": ""} for event in EVENTS])
    values = [{"timestamp": "2026-11-22T11:58:00Z", "value": 2.0}]
    series = [{"labels": [], "values": values, "unit": "GB" if "memory" in request.url.path else "cpu"}] * 2
    return httpx.Response(200, json=series)


@pytest.fixture
def render() -> Opened:
    settings = RenderSettings(token="rnd_x")
    return open_connection(
        "render", settings, clock=lambda: NOON + timedelta(minutes=1), transport=httpx.MockTransport(answer)
    )


class TestGivenAServiceThatServes:
    async def test_when_an_instance_failed_since_then_it_is_told_with_the_reason(self, render):
        (crash,) = await render.capabilities.crashes.fetch_crashes("srv-1", NOON)

        assert crash.at == NOON + timedelta(seconds=30)
        assert "137" in crash.words

    async def test_when_limits_are_asked_for_then_they_are_of_all_instances(self, render):
        assert await render.capabilities.limits.fetch_limits("srv-1") == {"cpu": 4.0, "memory": 4e9}
