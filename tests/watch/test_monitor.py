"""Health of environments, as often as somebody needs it."""

from __future__ import annotations

import asyncio

import pytest

from console.config.settings import Settings
from console.domain import events as ev
from console.domain.errors import Unreachable, UsageError
from console.domain.ids import Actor, DeploymentId, EnvironmentName
from console.domain.observations import Health, Lock
from console.domain.plan import Plan
from console.domain.release import Release
from console.domain.telemetry import Measurement
from console.storage.ledger import Wake
from console.watch.arms import FEWEST_REQUESTS, Sighting, judge_arm
from console.watch.monitor import Monitor
from providers.contract import Capabilities, ProbeResult, Target, Unsupported

from .conftest import BAD, GOOD, START, FakeConnection

PRODUCTION, STAGING = EnvironmentName("production"), EnvironmentName("staging")
COMMIT = "c" * 40

SETTINGS = Settings.model_validate(
    {
        "providers": {"render": {"kind": "render"}, "edge": {"kind": "caddy"}, "web": {"kind": "web"}},
        "services": {"backend": {"provider": "render", "health": {"path": "/health"}}},
        "environments": {
            "production": {
                "tier": "production",
                "services": {
                    "backend": {
                        "blue": {"id": "srv-blue", "url": "http://blue"},
                        "green": {"id": "srv-green", "url": "http://green"},
                        "traffic": {"router": "edge", "route": "shop"},
                    }
                },
            },
            "staging": {"services": {"backend": {"id": "srv-staging", "url": "http://staging"}}},
        },
    }
)


class FakeLedger:
    """The part of a ledger that watching needs."""

    def __init__(self) -> None:
        self.held: list[Lock] = []
        self.kept: list[Measurement] = []
        self.history: dict[DeploymentId, tuple[ev.Event, ...]] = {}
        self.callbacks: list = []

    def subscribe(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    async def locks(self):
        return tuple(self.held)

    async def summaries(self, query):
        return ()

    async def last_seq(self):  # asked for pages that are up by maintenance
        return 0

    async def events_of(self, deployment):
        return self.history.get(deployment, ())

    async def add_measurements(self, items):
        self.kept.extend(items)

    def begin(self, environment: EnvironmentName) -> None:
        deployment = DeploymentId("7f2")
        plan = Plan(environment, "blue-green", Release(COMMIT, "v1.2"), ())
        self.history[deployment] = (ev.Event(deployment, START, ev.DeploymentRequested(environment, plan), seq=1),)
        self.held.append(Lock(environment, deployment, Actor("ana"), START))
        for callback in self.callbacks:
            callback(Wake("event", deployment, 1))


class FakeInventory:
    def __init__(self) -> None:
        self.targets = {
            "srv-blue": Target("srv-blue", "blue", "web", live=COMMIT),
            "srv-green": Target("srv-green", "green", "web", suspended=True),
            "srv-staging": Target("srv-staging", "staging", "web", live=COMMIT),
        }
        self.asked = 0
        self.answers = True
        self.hangs = False

    async def fetch_target(self, target):
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if not self.answers:
            raise Unreachable("render", "Render does not answer.")
        return self.targets[target]

    async def fetch_targets(self):
        return list(self.targets.values())

    async def fetch_metrics(self, target):
        return [Measurement(START, PRODUCTION, "cpu", 0.25), Measurement(START, PRODUCTION, "memory", 1024.0)]


@pytest.fixture
def inventory():
    return FakeInventory()


@pytest.fixture
def ledger():
    return FakeLedger()


@pytest.fixture
async def monitor(inventory, router, prober, ledger, clock):
    connections = {
        "render": FakeConnection("render", "render", Capabilities(inventory=inventory, metrics=inventory)),
        "edge": FakeConnection("edge", "caddy", Capabilities(router=router, counters=router)),
        "web": FakeConnection("web", "web", Capabilities(probes=prober)),
    }
    for arm in ("blue", "green", "staging"):
        prober.given(f"http://{arm}/health", GOOD)
    monitor = Monitor(SETTINGS, connections, ledger, clock)
    yield monitor
    await monitor.stop()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class TestGivenAServiceWithTwoArms:
    async def test_then_figures_come_from_router_platform_and_probe(self, monitor, router, clock):
        await monitor.health(PRODUCTION)
        router.serve("blue", good=95, bad=5)
        clock.pass_time(5)
        blue, green = await monitor.health(PRODUCTION)
        assert (blue.arm, blue.weight_set, blue.weight) == ("blue", 100, 100)
        assert blue.request_rate == pytest.approx(20)
        assert blue.error_rate == pytest.approx(0.05)
        assert blue.latency_p50 == pytest.approx(2.5, abs=2.5)
        assert (blue.cpu, blue.memory) == (0.25, 1024.0)
        assert blue.health is Health.DEGRADED
        assert "5.0%" in blue.reason
        assert (green.health, green.reason) == (Health.UNKNOWN, "suspended")

    async def test_when_weights_move_then_actual_shares_are_counted_anew(self, monitor, router, clock):
        await monitor.health(PRODUCTION)
        router.serve("blue", good=100)
        clock.pass_time(2)
        await monitor.health(PRODUCTION)
        router.shift({"blue": 50, "green": 50})
        clock.pass_time(2)
        await monitor.health(PRODUCTION)
        router.serve("blue", good=20)
        router.serve("green", good=20)
        clock.pass_time(2)
        blue, green = await monitor.health(PRODUCTION)
        assert (blue.weight, green.weight) == (50, 50)
        assert (blue.weight_set, green.weight_set) == (50, 50)

    async def test_when_the_router_counts_nothing_then_weights_are_shown_and_no_rates(self, inventory, router, clock):
        reason = Unsupported("It counts by sampling.")
        edge = FakeConnection("edge", "caddy", Capabilities(router=router, counters=reason))
        render = FakeConnection("render", "render", Capabilities(inventory=inventory, metrics=inventory))
        monitor = Monitor(SETTINGS, {"render": render, "edge": edge}, FakeLedger(), clock)
        blue, green = await monitor.health(PRODUCTION)
        await monitor.stop()
        assert (blue.weight_set, green.weight_set) == (100, 0)
        assert (blue.weight, blue.requests, blue.request_rate, blue.error_rate) == (None, None, None, None)
        assert "does not answer" not in blue.reason

    async def test_when_the_router_is_silent_then_health_still_answers(self, monitor, router):
        router.answers = False
        blue, _ = await monitor.health(PRODUCTION)
        assert blue.weight_set is None
        assert blue.health is Health.HEALTHY

    async def test_when_a_probe_fails_twice_then_it_is_down(self, monitor, prober, clock):
        prober.given("http://blue/health", BAD)
        assert (await monitor.health(PRODUCTION))[0].health is Health.DEGRADED
        clock.pass_time(2)
        assert (await monitor.health(PRODUCTION))[0].health is Health.DOWN

    async def test_when_a_platform_hangs_then_looks_go_on(self, monitor, inventory, router, clock):
        await monitor.health(PRODUCTION)
        inventory.hangs = True
        clock.pass_time(60)
        await monitor.health(PRODUCTION)
        router.serve("blue", good=10)
        clock.pass_time(2)
        assert (await asyncio.wait_for(monitor.health(PRODUCTION), 1))[0].request_rate == pytest.approx(5)

    async def test_when_the_environment_is_unknown_then_it_says_which_there_are(self, monitor):
        with pytest.raises(UsageError, match="moon"):
            await monitor.health(EnvironmentName("moon"))


class TestGivenTheBackgroundLoop:
    async def test_when_nothing_moves_then_it_looks_every_half_minute(self, monitor, clock, prober):
        await monitor.start()
        await turns(200)
        await monitor.stop()
        assert clock.slept
        assert all(pause >= 29 for pause in clock.slept[1:])

    async def test_when_a_deployment_begins_then_it_looks_often(self, monitor, ledger, clock):
        await monitor.start()
        await turns(5)
        ledger.begin(PRODUCTION)
        clock.slept.clear()
        await turns(200)
        await monitor.stop()
        assert clock.slept
        assert min(clock.slept) <= 1.5

    async def test_when_somebody_watches_then_it_looks_often_until_they_leave(self, monitor, clock):
        await monitor.start()
        leave = monitor.watch(STAGING)
        await turns(50)
        assert min(clock.slept) <= 1.5
        leave()
        leave()
        await turns(20)
        clock.slept.clear()
        await turns(50)
        assert min(clock.slept) > 1.5

    async def test_when_nothing_happens_while_somebody_watches_then_it_looks_less_often(self, monitor, router, clock):
        await monitor.start()
        monitor.watch(PRODUCTION)
        await turns(300)
        clock.slept.clear()
        await turns(100)
        assert sum(clock.slept) / len(clock.slept) > 5
        clock.slept.clear()
        for _ in range(10):
            router.serve("blue", good=10)
            await turns(20)
        assert sum(clock.slept) / len(clock.slept) < 4

    async def test_when_something_changes_then_subscribers_are_told_and_figures_are_kept(self, monitor, ledger):
        told = []
        end = monitor.subscribe(lambda at, environment, health: told.append((environment, health)))
        await monitor.start()
        await turns(30)
        end()
        assert {environment for environment, _ in told} == {PRODUCTION, STAGING}
        assert {item.name for item in ledger.kept} >= {"weight", "cpu", "memory"}
        assert {item.labels["service"] for item in ledger.kept} == {"backend"}

    async def test_when_a_deployment_named_a_commit_then_health_speaks_of_the_release(self, monitor, ledger):
        assert (await monitor.health(PRODUCTION))[0].release == COMMIT[:8]
        await monitor.start()
        ledger.begin(PRODUCTION)
        await turns(20)
        assert (await monitor.health(PRODUCTION))[0].release == "v1.2"


class TestGivenEnvironmentStatuses:
    async def test_then_they_say_what_is_live_and_how_it_feels(self, monitor):
        production, staging = await monitor.environment_statuses()
        assert (production.tier, production.health, production.release) == ("production", Health.HEALTHY, COMMIT[:8])
        assert production.services[0].weights == {"blue": 100, "green": 0}
        assert staging.services[0].release == COMMIT[:8]

    async def test_when_it_is_held_then_the_lock_is_shown(self, monitor, ledger):
        ledger.begin(PRODUCTION)
        (production,) = await monitor.environment_statuses(PRODUCTION)
        assert production.lock is not None
        assert production.lock.deployment == "7f2"

    async def test_when_a_platform_does_not_answer_then_the_rest_is_told(self, monitor, inventory):
        inventory.answers = False
        (production,) = await monitor.environment_statuses(PRODUCTION)
        assert production.release == ""
        assert production.health is Health.HEALTHY


class TestGivenOneArm:
    @pytest.mark.parametrize(
        ("seen", "health"),
        [
            (Sighting(), Health.UNKNOWN),
            (Sighting(suspended=True, probe=BAD, failures=9), Health.UNKNOWN),
            (Sighting(suspended=True, serves=True), Health.DOWN),
            (Sighting(probe=GOOD), Health.HEALTHY),
            (Sighting(is_ill=True, word="COMING_UP"), Health.DEGRADED),
            (Sighting(probe=BAD, failures=1), Health.DEGRADED),
            (Sighting(probe=BAD, failures=2), Health.DOWN),
            (Sighting(probe=GOOD, requests=100, error_rate=0.01), Health.HEALTHY),
            (Sighting(probe=GOOD, requests=100, error_rate=0.08), Health.DEGRADED),
            (Sighting(probe=GOOD, requests=100, error_rate=0.7), Health.DOWN),
            (Sighting(probe=GOOD, requests=FEWEST_REQUESTS - 1, error_rate=1.0), Health.HEALTHY),
            (Sighting(probe=ProbeResult(False, 0.0, reason="timed out"), failures=1), Health.DEGRADED),
        ],
    )
    def test_then_its_health_follows_from_what_was_seen(self, seen, health):
        assert judge_arm(seen)[0] is health


class TestGivenADatabase:
    @pytest.mark.parametrize(
        ("connections", "health"), [(12.0, Health.HEALTHY), (89.0, Health.HEALTHY), (95.0, Health.DEGRADED)]
    )
    def test_then_its_connections_and_size_are_told(self, connections, health):
        figures = {"db_connections": connections, "db_max_connections": 100.0, "db_size_bytes": 8_240_000.0}
        found = judge_arm(Sighting(is_live=True, figures=figures))
        assert found == (health, f"{connections:.0f} of 100 connections, 8.2 MB")

    @pytest.mark.parametrize(
        ("word", "suspended", "health"),
        [
            ("ACTIVE_HEALTHY", False, Health.HEALTHY),
            ("ACTIVE_UNHEALTHY", False, Health.DEGRADED),
            ("ACTIVE_HEALTHY · db: UNHEALTHY", False, Health.DEGRADED),
            ("INACTIVE", True, Health.DOWN),
        ],
    )
    async def test_then_its_platforms_word_counts(self, monitor, inventory, prober, word, suspended, health):
        target = Target("srv-staging", "db", "database", suspended=suspended, detail=word)
        inventory.targets["srv-staging"] = target
        (staging,) = await monitor.environment_statuses(STAGING)
        assert staging.health is health


class TestGivenARestingArm:
    async def test_then_the_environment_is_as_well_as_what_serves(self, monitor):
        (production,) = await monitor.environment_statuses(PRODUCTION)
        assert production.services[0].health is Health.HEALTHY
