"""The Cloudflare adapter against its emulator."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import ValidationError

from console.domain.errors import Rejected, Unauthorized, UsageError
from console.playground.emulators.cloudflare import ACCOUNT, BALANCER, HOSTNAME, POOLS, ZONE, Cloudflare
from providers.cloudflare.adapter import open_connection
from providers.cloudflare.readings import Checks, Health, Servers
from providers.cloudflare.settings import CloudflareSettings, RouteSettings
from providers.cloudflare.switches import DrainTime, OneOrigin
from providers.cloudflare.wire import parse_health
from providers.contract import OperationKey, OperationStatus, ShiftTraffic
from tests.playground.emulators.world import ManualClock
from tests.providers.cloudflare.document import strangers
from tests.providers.subject import Faults

TOKEN = "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY"
KEY = OperationKey("wish-1", datetime(2026, 11, 22, 5, 0, tzinfo=UTC))


class World:
    def __init__(self, **emulator) -> None:
        self.clock = ManualClock()
        self.cloudflare = Cloudflare(TOKEN, self.clock, **emulator)
        self.sent = Faults(httpx.ASGITransport(app=self.cloudflare.app))
        self.opened = []

    def connect(self, **settings):
        known = {"base_url": "http://cloudflare/client/v4", "token": TOKEN, "account": ACCOUNT, "zone": ZONE}
        connection = open_connection(
            "edge",
            CloudflareSettings(**known | settings),
            clock=lambda: datetime.fromtimestamp(self.clock.now(), UTC),
            sleep=self.clock.advance,
            transport=self.sent,
        )
        self.opened.append(connection)
        return connection

    @property
    def balancer(self):
        return self.cloudflare.balancers[BALANCER]

    def visitors(self, count: int = 100) -> Counter:
        return Counter(self.cloudflare.chosen_for((n + 0.5) / count) for n in range(count))


@pytest.fixture
async def world():
    made = World()
    yield made
    for connection in made.opened:
        await connection.close()
    assert strangers(made.sent.sent) == []


@pytest.fixture
def can(world):
    return world.connect().capabilities


async def shift(can, route=HOSTNAME, **weights):
    return await can.shift_traffic.start(ShiftTraffic(route, weights), KEY)


class TestGivenALoadBalancerWithAllTrafficOnBlue:
    async def test_when_weights_are_shifted_then_visitors_follow_them(self, world, can):
        ended = await shift(can, blue=90, green=10)

        assert ended.status is OperationStatus.SUCCEEDED
        assert await can.router.fetch_weights(HOSTNAME) == {"blue": 90, "green": 10}
        assert world.visitors() == {"blue": 90, "green": 10}

    async def test_when_the_route_is_an_id_then_it_is_the_same(self, world, can):
        await shift(can, BALANCER, green=100)

        assert world.visitors() == {"green": 100}

    async def test_when_it_was_seen_before_then_a_shift_is_four_calls(self, world, can):
        await can.router.fetch_weights(HOSTNAME)
        world.sent.sent.clear()

        await shift(can, green=100)

        assert [request.method for request in world.sent.sent] == ["GET", "GET", "PATCH", "GET"]

    async def test_when_a_pool_is_disabled_then_its_arm_gets_nothing_and_it_is_seen(self, world, can):
        ended = await shift(can, blue=50, green=50)
        world.cloudflare.pools[POOLS["green"]].body["enabled"] = False

        assert await can.router.fetch_weights(HOSTNAME) == {"blue": 100, "green": 0} | world.visitors()
        assert (await can.shift_traffic.observe(ended.reference)).status is OperationStatus.FAILED

    async def test_when_an_arm_whose_pool_is_disabled_is_given_traffic_then_it_is_enabled(self, world, can):
        world.cloudflare.pools[POOLS["green"]].body["enabled"] = False

        ended = await shift(can, blue=90, green=10)

        assert ended.status is OperationStatus.SUCCEEDED
        assert world.visitors() == {"blue": 90, "green": 10}

    async def test_when_a_shift_is_made_then_nothing_else_of_it_changes(self, world, can):
        before = {name: value for name, value in world.balancer.items() if name != "random_steering"}

        await shift(can, blue=50, green=50)

        assert {name: world.balancer[name] for name in before} == before
        assert world.balancer["random_steering"]["default_weight"] == 1

    async def test_when_somebody_moves_it_afterwards_then_the_operation_says_so(self, world, can):
        ended = await shift(can, blue=50, green=50)
        world.balancer["random_steering"]["pool_weights"][POOLS["green"]] = 0.05

        seen = await can.shift_traffic.observe(ended.reference)

        assert seen.status is OperationStatus.FAILED
        assert "blue 91 % · green 9 %" in seen.detail

    async def test_when_an_arm_is_unknown_or_weights_do_not_sum_up_then_nothing_moves(self, world, can):
        with pytest.raises(Rejected, match="no arm red"):
            await shift(can, blue=50, red=50)
        with pytest.raises(UsageError):
            await shift(can, blue=50)
        assert world.cloudflare.changes == 0

    async def test_when_the_hostname_is_unknown_then_it_is_refused(self, can):
        with pytest.raises(Rejected, match=r"no load balancer 'www\.nope\.example'"):
            await shift(can, "www.nope.example", blue=50, green=50)

    @pytest.mark.parametrize("policy", ["off", "geo", "dynamic_latency", ""])
    async def test_when_it_steers_otherwise_then_the_remedy_names_random(self, world, can, policy):
        world.balancer["steering_policy"] = policy
        with pytest.raises(Rejected) as raised:
            await shift(can, blue=50, green=50)
        assert "Random" in raised.value.remedy

    async def test_when_it_has_other_pools_than_the_arms_then_they_are_named(self, world):
        can = world.connect(routes={HOSTNAME: RouteSettings(metrics="shop-{arm}")}).capabilities
        with pytest.raises(Rejected, match="pools blue, green where shop-blue, shop-green"):
            await can.router.fetch_weights(HOSTNAME)

    async def test_when_counters_are_looked_for_then_it_says_what_to_judge_by(self, can):
        assert "neither their errors nor their times" in can.counters.reason
        assert "probes" in can.counters.remedy


class TestGivenAToken:
    async def test_when_it_is_an_accounts_then_it_works_too(self):
        world = World(is_accounts=True)
        report = await world.connect().capabilities.account.fetch_account()

        assert report.missing_scopes == ()
        assert "requests" in report.limits

    async def test_when_it_may_not_see_pools_then_that_is_missing(self):
        world = World(may=frozenset({"balancers"}))
        report = await world.connect().capabilities.account.fetch_account()

        assert report.missing_scopes == ("Load Balancing: Monitors and Pools",)

    async def test_when_it_may_only_look_then_a_shift_is_refused(self):
        world = World(may=frozenset({"balancers", "pools"}))
        with pytest.raises(Unauthorized, match=r"Authentication error \(10000\)"):
            await shift(world.connect().capabilities, green=100)

    async def test_when_it_is_wrong_then_it_is_unauthorized(self, world):
        with pytest.raises(Unauthorized, match="Invalid API Token"):
            await world.connect(token="wrong").capabilities.account.fetch_account()

    @pytest.mark.parametrize("wrong", [{"account": "acme"}, {"zone": "example.com"}, {"acount": "0" * 32}])
    def test_when_settings_are_wrong_then_they_are_refused(self, wrong):
        with pytest.raises(ValidationError):
            CloudflareSettings(**{"token": TOKEN, "account": ACCOUNT} | wrong)


class TestGivenAnOperator:
    async def test_when_servers_are_asked_for_then_each_pool_tells_its_share_and_health(self, world):
        connection = world.connect()
        await shift(connection.capabilities, blue=75, green=25)
        world.cloudflare.pools[POOLS["green"]].ill["green.harbour-shop.example"] = "TCP connection failed"

        blue, green = await connection.desk.readings["servers"].fetch(Servers())

        assert (blue.steering, blue.affinity, blue.drain_s, blue.is_fallback) == ("random", "none", 60, False)
        assert [(pool.pool, pool.percent) for pool in (blue, green)] == [("blue", 75.0), ("green", 25.0)]
        assert green.health == {"Amsterdam, NL": "unhealthy: TCP connection failed"}

    async def test_when_health_comes_in_the_documents_form_then_it_is_read(self):
        told = {"pop_health": {"healthy": True, "origins": [{"ip": {"healthy": True}}]}}

        assert parse_health(told) == {"all": "healthy"}

    async def test_when_a_pool_is_unknown_then_it_is_refused(self, world):
        with pytest.raises(Rejected, match="no pool 'red'"):
            await world.connect().desk.readings["health"].fetch(Health("red"))

    async def test_when_an_origin_is_taken_out_and_put_back_then_the_list_is_as_before(self, world):
        desk = world.connect().desk
        before = world.cloudflare.pools[POOLS["blue"]].body["origins"]

        await desk.actions["disable-origin"].actuator.start(OneOrigin("blue", "blue-1"), KEY)
        off = world.cloudflare.pools[POOLS["blue"]].body["origins"]
        await desk.actions["enable-origin"].actuator.start(OneOrigin("blue", "blue-1"), KEY)

        assert off[0]["enabled"] is False
        assert "disabled_at" in off[0]
        assert world.cloudflare.pools[POOLS["blue"]].body["origins"] == before

    async def test_when_the_drain_time_is_set_then_other_attributes_stay(self, world):
        action = world.connect().desk.actions["set-drain-time"].actuator

        await action.start(DrainTime(HOSTNAME, timedelta(minutes=5)), KEY)

        assert world.balancer["session_affinity_attributes"] == {
            "drain_duration": 300,
            "samesite": "Auto",
            "secure": "Auto",
        }

    async def test_when_all_is_right_then_only_counters_are_missing(self, world):
        checks = await world.connect().desk.readings["checks"].fetch(Checks())

        assert [check.about for check in checks if not check.good] == ["counters"]

    async def test_when_something_would_upset_a_rollout_then_each_is_named(self, world):
        world.balancer.update(
            {"proxied": False, "session_affinity": "cookie", "rules": [{"name": "x"}], "enabled": False}
        )
        world.cloudflare.pools[POOLS["blue"]].body["monitor"] = ""

        checks = await world.connect().desk.readings["checks"].fetch(Checks(HOSTNAME))

        bad = {check.about for check in checks if not check.good}
        assert bad == {
            "counters",
            f"{HOSTNAME} is on",
            f"{HOSTNAME} is proxied",
            f"{HOSTNAME} lets visitors go",
            f"{HOSTNAME} has one way",
            "monitor of blue",
        }
