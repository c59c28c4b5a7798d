"""Whether a header really reaches the arm that it names, tried on the real HAProxy."""

from __future__ import annotations

import pytest

from console.config.settings import Settings
from console.domain.exchange import Condition
from console.server.forcing import examine_forcing
from providers.contract import Capabilities, ShiftTraffic, Unsupported
from providers.haproxy.adapter import open_connection
from providers.haproxy.settings import HAProxySettings, RouteSettings
from providers.opened import Opened
from providers.web.adapter import open_connection as open_web
from providers.web.settings import WebSettings
from tests.providers.haproxy.real import real_haproxy
from tests.providers.haproxy.test_haproxy import KEY

RULE = "x-arm"


def settings_for(url: str, header: str) -> Settings:
    traffic = {"router": "edge", "route": "app", "force_header": header}
    arms = {arm: {"id": arm} for arm in ("blue", "green")}
    return Settings.model_validate(
        {
            "providers": {"edge": {"kind": "haproxy"}},
            "services": {"api": {"provider": "edge"}},
            "environments": {"production": {"services": {"api": {"url": url, "traffic": traffic, **arms}}}},
        }
    )


@pytest.fixture
async def edge():
    haproxy = real_haproxy()
    haproxy.reset()
    connection = open_connection("edge", HAProxySettings(socket=haproxy.address, routes={"app": RouteSettings()}))
    yield connection
    await connection.close()


async def examine(edge: Opened, header: str = RULE):
    web = open_web("web", WebSettings())
    found = await examine_forcing(settings_for(real_haproxy().public, header), edge, web)
    await web.close()
    return [(finding.topic, finding.condition, finding.what) for finding in found]


class TestGivenARouterThatObeysAHeader:
    async def test_when_it_reaches_the_arm_without_traffic_then_that_is_good(self, edge):
        assert await examine(edge) == [
            ("header to api in production", Condition.GOOD, "x-arm: green reaches green, which gets no other traffic")
        ]

    async def test_when_every_arm_gets_traffic_then_nobody_can_tell(self, edge):
        await edge.capabilities.shift_traffic.start(ShiftTraffic("app", {"blue": 50, "green": 50}), KEY)
        ((_, condition, words),) = await examine(edge)
        assert condition is Condition.WARN
        assert "every arm gets traffic" in words


class TestGivenARouterThatDoesNot:
    async def test_when_the_rule_is_missing_then_that_is_bad(self, edge):
        ((_, condition, words),) = await examine(edge, "x-other")
        assert (condition, words) == (
            Condition.BAD,
            "a request with x-other: green did not reach green (HTTP 200)",
        )

    async def test_when_it_counts_nothing_then_it_cannot_be_told(self, edge):
        silent = Opened(
            "edge",
            "haproxy",
            edge.http,
            lambda: Capabilities(router=edge.capabilities.router, counters=Unsupported("None.")),
        )
        ((_, condition, words),) = await examine(silent)
        assert condition is Condition.WARN
        assert "cannot be told" in words

    async def test_when_nothing_is_configured_then_nothing_is_asked(self, edge):
        assert await examine(edge, "") == []
