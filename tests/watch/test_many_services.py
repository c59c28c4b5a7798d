"""Two hundred services on four platforms, looked at for a while, within what the platforms allow."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module

import httpx
import pytest

from console.config.settings import Settings
from console.domain.errors import RateLimited
from console.domain.ids import EnvironmentName
from console.domain.telemetry import Measurement
from console.watch.lookout import PROBES_AT_ONCE, Lookout
from console.watch.monitor import Monitor
from console.watch.pace import MANNERS, Manners, Pace, Paces
from providers.contract import Capabilities, ProbeRequest, ProbeResult, Target
from providers.registry import KINDS

from .conftest import START, FakeConnection
from .test_monitor import FakeLedger, turns

PRODUCTION, STAGING = EnvironmentName("production"), EnvironmentName("staging")
HOW_MANY = {"render": 80, "vercel": 60, "supabase": 30, "github": 30}
IN_STAGING_EVERY = 4
MINUTE = timedelta(minutes=1)
A_WHILE = timedelta(minutes=12)
"""Over twice the longest wait that is allowed; what follows is the same again."""

DOCUMENTED = {"render": 400, "supabase": 60}
"""Reading requests a minute. Render's are told in every recorded answer, Supabase's are written in its documents."""
SEEN = {"vercel": 500}
LIMITS = {**DOCUMENTED, **SEEN}


def settings_of(how_many: Mapping[str, int]) -> Settings:
    names = [f"{kind}-{number}" for kind, count in how_many.items() for number in range(count)]
    placed: dict[str, dict[str, dict[str, str]]] = {"production": {}, "staging": {}}
    for number, name in enumerate(names):
        placed["staging" if number % IN_STAGING_EVERY == 0 else "production"][name] = {"id": name}
    return Settings.model_validate(
        {
            "providers": {kind: {"kind": kind} for kind in how_many},
            "services": {name: {"provider": name.partition("-")[0]} for name in names},
            "environments": {name: {"services": services} for name, services in placed.items()},
        }
    )


@dataclass
class CountingPlatform:
    """Answers at once and remembers when it was asked how much. It costs what the adapters' requests cost."""

    kind: str
    now: Callable[[], datetime]
    asked: list[tuple[datetime, str]] = field(default_factory=list)
    refuses_for: timedelta | None = None

    async def fetch_target(self, target: str) -> Target:
        self.asked.append((self.now(), target))
        if self.refuses_for is not None:
            raise RateLimited(self.kind, "Slow down.", retry_after=self.refuses_for)
        return Target(target, target, "web", live="c" * 40)

    async def fetch_metrics(self, target: str) -> list[Measurement]:
        return [Measurement(self.now(), PRODUCTION, "cpu", 0.001 * len(self.asked))]

    def busiest_minute(self) -> int:
        """Requests in the worst sixty seconds."""
        cost = MANNERS[self.kind].cost
        most = first = 0
        for last, (at, _) in enumerate(self.asked):
            while self.asked[first][0] <= at - MINUTE:
                first += 1
            most = max(most, last - first + 1)
        return most * cost

    def longest_wait(self, end: datetime) -> timedelta:
        """The longest time during which a target was not asked about."""
        last: dict[str, datetime] = {}
        longest = timedelta(0)
        for at, target in [*self.asked, *((end, target) for target in {target for _, target in self.asked})]:
            longest = max(longest, at - last.get(target, START))
            last[target] = at
        return longest


class Estate:
    """A monitor over platforms that count, on a clock that moves as fast as the monitor sleeps."""

    def __init__(self, clock, how_many: Mapping[str, int]) -> None:
        self.clock = clock
        self.ledger = FakeLedger()
        self.platforms = {kind: CountingPlatform(kind, clock.now) for kind in how_many if kind in MANNERS}
        connections = {
            kind: FakeConnection(kind, kind, Capabilities(inventory=platform, metrics=platform))
            for kind, platform in self.platforms.items()
        }
        connections |= {"github": FakeConnection("github", "github", Capabilities())}
        self.monitor = Monitor(settings_of({"github": 0, **how_many}), connections, self.ledger, clock)

    async def pass_time(self, length: timedelta) -> None:
        end = self.clock.now() + length
        while self.clock.now() < end:  # noqa: ASYNC110 - time passes by itself, as the monitor sleeps
            await asyncio.sleep(0)

    def targets(self) -> Counter[str]:
        return Counter({kind: len({target for _, target in one.asked}) for kind, one in self.platforms.items()})


@pytest.fixture
async def many(clock):
    estate = Estate(clock, HOW_MANY)
    yield estate
    await estate.monitor.stop()


class TestGivenTwoHundredServices:
    async def test_when_nobody_looks_for_a_while_then_every_minute_is_within_the_limits(self, many):
        await many.monitor.start()

        await many.pass_time(A_WHILE)

        assert many.targets() == {"render": 80, "vercel": 60, "supabase": 30}
        for kind, platform in many.platforms.items():
            assert platform.busiest_minute() <= LIMITS[kind], kind
            assert platform.longest_wait(many.clock.now()) <= timedelta(minutes=5), kind

    async def test_when_a_client_watches_for_a_while_then_every_minute_is_within_the_limits(self, many):
        await many.monitor.start()
        for environment in (PRODUCTION, STAGING):
            many.monitor.watch(environment)

        await many.pass_time(A_WHILE)

        for kind, platform in many.platforms.items():
            assert platform.busiest_minute() <= LIMITS[kind], kind
            assert platform.longest_wait(many.clock.now()) <= timedelta(minutes=5), kind

    async def test_when_deployments_begin_and_end_then_a_fifth_of_every_limit_is_left_to_them(self, many):
        await many.monitor.start()
        many.monitor.watch(PRODUCTION)

        for _ in range(2):
            many.ledger.begin(PRODUCTION)
            await many.pass_time(timedelta(minutes=3))
            many.ledger.held.clear()
            await many.pass_time(timedelta(minutes=7))

        for kind, platform in many.platforms.items():
            assert platform.busiest_minute() <= 0.8 * LIMITS[kind], kind
            assert platform.longest_wait(many.clock.now()) <= timedelta(minutes=6), kind


class TestGivenASmallInstallation:
    async def test_when_a_deployment_runs_then_every_arm_is_asked_about_every_twenty_seconds(self, clock):
        estate = Estate(clock, {"render": 6, "vercel": 4, "supabase": 2})
        await estate.monitor.start()
        for environment in (PRODUCTION, STAGING):
            estate.ledger.begin(environment)

        await estate.pass_time(timedelta(minutes=10))

        await estate.monitor.stop()
        for kind, platform in estate.platforms.items():
            assert platform.longest_wait(clock.now()) <= timedelta(seconds=22), kind

    async def test_when_only_figures_differ_then_a_watched_environment_becomes_quiet(self, clock):
        estate = Estate(clock, {"render": 6})
        await estate.monitor.start()
        estate.monitor.watch(PRODUCTION)

        await estate.pass_time(timedelta(minutes=10))

        await estate.monitor.stop()
        assert sum(pause < 5 for pause in clock.slept) < 30


class Crowded:
    """Answers each probe some turns later, and remembers how many waited at once."""

    def __init__(self) -> None:
        self.waiting = self.most = self.answered = 0

    async def probe(self, request: ProbeRequest) -> ProbeResult:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await turns()
        self.waiting -= 1
        self.answered += 1
        return ProbeResult(True, 0.010, 200)


class TestGivenManyAddressesToProbe:
    async def test_when_looked_at_then_each_is_asked_and_few_at_once(self, clock):
        names = [f"s{number}" for number in range(100)]
        settings = Settings.model_validate(
            {
                "providers": {"render": {"kind": "render"}},
                "services": {name: {"provider": "render", "health": {}} for name in names},
                "environments": {"production": {"services": {n: {"id": n, "url": f"http://{n}"} for n in names}}},
            }
        )
        prober = Crowded()
        connections = {"web": FakeConnection("web", "web", Capabilities(probes=prober))}
        lookout = Lookout(settings, PRODUCTION, connections, clock, Paces(connections))

        await lookout.look()
        await lookout.close()

        assert prober.answered == 100
        assert prober.most == PROBES_AT_ONCE


class TestGivenAPlatformWhoseLimitIsUsedUp:
    async def test_when_it_asks_for_a_pause_then_looking_asks_it_nothing_meanwhile(self, many):
        platform = many.platforms["render"]
        platform.refuses_for = timedelta(minutes=10)

        await many.monitor.health(PRODUCTION)
        await turns()
        refused = len(platform.asked)
        platform.refuses_for = None
        many.clock.pass_time(9 * 60)
        await many.monitor.health(PRODUCTION)
        await turns()

        assert len(platform.asked) == refused > 0

    async def test_when_the_pause_is_over_then_it_is_asked_again_slowly(self):
        pace = Pace(Manners(cost=8, burst=120, a_minute=240))

        pace.hold(START, MINUTE)

        assert not pace.take("production", START, START + MINUTE)
        assert pace.take("production", START, START + MINUTE + timedelta(seconds=2))
        assert not pace.take("production", START, START + MINUTE + timedelta(seconds=2))


class TestGivenTheAdaptersThemselves:
    @pytest.mark.parametrize("kind", sorted(MANNERS))
    async def test_when_one_arm_is_looked_at_then_it_costs_what_its_manners_say(self, kind, clock):
        paths: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            paths.append(request.url.path)
            return httpx.Response(200, json=ANSWERS[kind](request.url.path))

        settings = getattr(import_module(f"providers.{kind}.settings"), KINDS[kind])(token="t" * 20)
        adapter = import_module(f"providers.{kind}.adapter")
        connection = adapter.open_connection(kind, settings, clock=clock.now, transport=httpx.MockTransport(answer))
        can = connection.capabilities

        await can.inventory.fetch_target("one")
        if hasattr(can.metrics, "fetch_metrics"):
            await can.metrics.fetch_metrics("one")
        await connection.close()

        assert len(paths) == MANNERS[kind].cost, paths


def _render(path: str) -> object:
    if path.endswith("/deploys") or "/metrics/" in path:
        return []
    return {"id": "one", "name": "one", "type": "web_service", "suspended": "not_suspended", "serviceDetails": {}}


def _vercel(path: str) -> object:
    if "/deployments/" in path:
        return {"id": "dpl_1", "readyState": "READY", "url": "one.vercel.app"}
    return {"id": "one", "name": "one", "targets": {"production": {"id": "dpl_1"}}}


def _supabase(path: str) -> object:
    if path.endswith("/health"):
        return [{"name": "db", "healthy": True, "status": "ACTIVE_HEALTHY"}]
    return {"ref": "one", "name": "one", "status": "ACTIVE_HEALTHY"}


ANSWERS = {"render": _render, "vercel": _vercel, "supabase": _supabase}
