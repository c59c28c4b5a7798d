"""What feeds tell of both arms, and what they keep to themselves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from console.analysis.evidence import Signal
from console.domain.errors import Rejected, Unreachable
from console.domain.ids import EnvironmentName
from console.domain.telemetry import Measurement
from console.watch.feeds.alerts import AlertFeed
from console.watch.feeds.connections import ConnectionsFeed
from console.watch.feeds.crashes import CrashFeed
from console.watch.feeds.platform import PlatformFeed
from console.watch.feeds.port import ArmPlace, Arms, Reading, Reported
from console.watch.feeds.probes import HealthFeed
from console.watch.feeds.queries import QueryFeed, fill
from console.watch.feeds.reports import ReportFeed
from providers.contract import Crash, ProbeRequest, ProbeResult, Sample, SecurityAlert, Unsupported, UserReport
from tests.watch.conftest import START, MovableClock

COMMIT, OLD = "b" * 40, "a" * 40
GREEN = ArmPlace("green", "srv-2", "http://green", COMMIT, "v2")
BLUE = ArmPlace("blue", "srv-1", "http://blue", OLD)
ARMS = Arms(GREEN, BLUE)
EVERY = timedelta(seconds=15)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class FakeStore:
    """Samples by arm, at the seconds after the start."""

    def __init__(self) -> None:
        self.samples: dict[str, dict[float, float]] = {"green": {}, "blue": {}}
        self.asked_from: list[datetime] = []

    def add(self, at: float, *, green: float | None = None, blue: float | None = None) -> None:
        for arm, value in (("green", green), ("blue", blue)):
            if value is not None:
                self.samples[arm][at] = value

    async def fetch_value(self, query: str) -> Sample | None:
        found = self.samples[query]
        return Sample(after(max(found)), found[max(found)]) if found else None

    async def fetch_series(self, query: str, since: datetime, until: datetime, step: timedelta) -> list[Sample]:
        self.asked_from.append(since)
        return [Sample(after(at), v) for at, v in sorted(self.samples[query].items()) if since <= after(at) <= until]


class TestGivenAQueryOfBothArms:
    @pytest.fixture
    def store(self) -> FakeStore:
        return FakeStore()

    def feed(self, store: FakeStore, clock: MovableClock, *, is_zero: bool = False) -> QueryFeed:
        return QueryFeed("failures", store, "{arm}", ARMS, clock, period=EVERY, is_zero=is_zero)

    async def test_when_it_is_looked_at_again_then_nothing_is_told_twice(self, store):
        clock = MovableClock()
        feed = self.feed(store, clock)
        store.add(15, green=1.0, blue=2.0)
        clock.pass_time(20)

        assert await feed.look(START) == [Reading("failures", after(15), 1.0, 2.0)]
        assert await feed.look(START) == []

    async def test_when_one_arm_is_late_then_its_moment_waits_for_it(self, store):
        clock = MovableClock()
        feed = self.feed(store, clock)
        store.add(15, green=1.0)
        clock.pass_time(20)
        assert await feed.look(START) == []

        store.add(15, blue=2.0)
        clock.pass_time(15)
        assert await feed.look(START) == [Reading("failures", after(15), 1.0, 2.0)]

    async def test_when_the_other_arm_never_comes_then_the_moment_is_told_alone(self, store):
        clock = MovableClock()
        feed = self.feed(store, clock)
        store.add(15, green=1.0)
        clock.pass_time(65)

        assert await feed.look(START) == [Reading("failures", after(15), 1.0, None)]

    async def test_when_a_gap_is_filled_afterwards_then_it_still_counts(self, store):
        clock = MovableClock()
        feed = self.feed(store, clock)
        store.add(30, green=1.0, blue=1.0)
        clock.pass_time(35)
        await feed.look(START)

        store.add(15, green=9.0, blue=1.0)
        clock.pass_time(10)

        assert await feed.look(START) == [Reading("failures", after(15), 9.0, 1.0)]

    async def test_when_no_series_means_zero_then_every_moment_has_a_value(self, store):
        clock = MovableClock()
        feed = self.feed(store, clock, is_zero=True)
        store.add(15, blue=3.0)
        clock.pass_time(31)

        told = await feed.look(START)

        assert [(one.candidate, one.stable) for one in told] == [(0.0, 0.0), (0.0, 3.0), (0.0, 0.0)]

    async def test_when_nobody_measures_the_arm_then_it_says_so_with_a_remedy(self, store):
        found = await self.feed(store, MovableClock()).evaluate(BLUE)

        assert found.value is None
        assert "no series of blue" in found.words
        assert "zero" in found.remedy

    def test_when_names_hold_quotes_then_they_stay_inside_the_quotes(self):
        place = ArmPlace("green", release='v"2\\')

        assert fill('up{version="{release}",color="{arm}"}', place) == 'up{version="v\\"2\\\\",color="green"}'


class FakeReports:
    def __init__(self) -> None:
        self.reports: list[UserReport] = []

    async def fetch_reports(self, project, releases, since):
        return list(self.reports)


class TestGivenReports:
    def feed(self, source: FakeReports) -> ReportFeed:
        return ReportFeed("complaints", source, "shop", ARMS, MovableClock(), period=EVERY)

    async def test_when_they_name_arm_or_release_then_each_counts_once_for_its_own(self):
        source = FakeReports()
        source.reports = [
            UserReport("1", after(1), arm="green"),
            UserReport("2", after(1), release="v2"),
            UserReport("3", after(1), release=f"shop@{COMMIT[:8]}"),
            UserReport("4", after(1), release=OLD),
            UserReport("5", after(1), release="v1"),
            UserReport("1", after(2), arm="green"),
        ]
        feed = self.feed(source)

        assert await feed.look(START) == (Reported(3, 1),)
        assert await feed.look(START) == ()

    async def test_when_one_arrives_after_its_stage_then_it_counts_in_the_next_and_older_ones_never(self):
        source = FakeReports()
        feed = self.feed(source)
        await feed.look(START)
        source.reports = [UserReport("1", after(5), arm="green"), UserReport("2", after(-5), arm="green")]

        assert await feed.look(after(300)) == (Reported(1, 0),)


class FakeMetrics:
    """Figures and limits by target."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, float]] = {}
        self.limits: dict[str, dict[str, float]] = {}
        self.at = 0.0

    def tell(self, at: float, **figures: dict[str, float]) -> None:
        self.at, self.figures = at, {"srv-2": figures["green"], "srv-1": figures["blue"]}

    async def fetch_metrics(self, target):
        return [
            Measurement(after(self.at), EnvironmentName(""), name, value)
            for name, value in self.figures[target].items()
        ]

    async def fetch_limits(self, target):
        return self.limits.get(target, {})


class TestGivenAPlatformsFigures:
    async def test_when_it_measured_nothing_anew_then_there_is_no_reading(self):
        source = FakeMetrics()
        feed = PlatformFeed(source, Unsupported("none."), ARMS, period=EVERY)
        source.tell(30, green={"cpu": 0.4, "instances": 2.0}, blue={"cpu": 0.2})

        assert await feed.look(START) == [Reading("cpu", after(30), 0.2, 0.2)]
        assert await feed.look(START) == []

    async def test_when_only_the_candidate_is_full_then_it_is_told_and_its_end_too(self):
        source = FakeMetrics()
        source.limits = {"srv-2": {"memory": 100.0}, "srv-1": {"memory": 100.0}}
        feed = PlatformFeed(source, source, ARMS, period=EVERY)
        told = []
        for number, memory in enumerate((97.0, 98.0, 99.0, 50.0), start=1):
            source.tell(60.0 * number, green={"memory": memory}, blue={"memory": 50.0})
            told.append([one for one in await feed.look(START) if isinstance(one, Signal)])

        assert [len(one) for one in told] == [0, 0, 1, 1]
        assert "memory at 99%" in told[2][0].words
        assert told[3][0].words == ""

    async def test_when_both_are_full_then_nobody_is_to_blame(self):
        source = FakeMetrics()
        source.limits = {"srv-2": {"memory": 100.0}, "srv-1": {"memory": 100.0}}
        feed = PlatformFeed(source, source, ARMS, period=EVERY)
        for number in range(1, 5):
            source.tell(60.0 * number, green={"memory": 99.0}, blue={"memory": 99.0})
            assert not [one for one in await feed.look(START) if isinstance(one, Signal)]


class TestGivenADatabase:
    async def told(self, source: FakeMetrics, feed: ConnectionsFeed, *used: float) -> list[str]:
        told = []
        for number, count in enumerate(used):
            figures = {"db_connections": count, "db_max_connections": 60.0}
            source.tell(30.0 * number, green=figures, blue=figures)
            told += [one.words for one in await feed.look(START)]
        return told

    async def test_when_it_fills_up_meanwhile_then_it_is_told_until_some_are_free_again(self):
        source = FakeMetrics()
        feed = ConnectionsFeed("database", source, "srv-1", period=EVERY)

        told = await self.told(source, feed, 20.0, 58.0, 58.0, 59.0, 30.0, 30.0)

        assert told == ["database has 59 of 60 connections in use since the release got traffic.", ""]

    async def test_when_it_was_full_before_then_the_release_is_not_to_blame(self):
        source = FakeMetrics()

        assert await self.told(source, ConnectionsFeed("database", source, "srv-1", period=EVERY), *[60.0] * 5) == []


class FakeCrashes:
    def __init__(self) -> None:
        self.by_target: dict[str, list[Crash]] = {"srv-1": [], "srv-2": []}

    def crash(self, target: str) -> None:
        known = self.by_target[target]
        known.append(Crash(f"{target}-{len(known)}", after(10), "out of memory"))

    async def fetch_crashes(self, target, since):
        return self.by_target[target]


class TestGivenCrashes:
    async def test_when_an_instance_of_the_candidate_crashes_then_it_is_told_once_with_the_reason(self):
        source = FakeCrashes()
        feed = CrashFeed(source, ARMS, period=EVERY)
        source.crash("srv-2")

        (told,) = await feed.look(START)

        assert told.trigger == "crash"
        assert "out of memory" in told.words
        assert await feed.look(START) == ()

    async def test_when_the_other_arm_crashes_as_often_then_nothing_is_told(self):
        source = FakeCrashes()
        for target in ("srv-1", "srv-2"):
            source.crash(target)

        assert await CrashFeed(source, ARMS, period=EVERY).look(START) == ()


class FakeProber:
    def __init__(self) -> None:
        self.bad: set[str] = set()

    async def probe(self, request: ProbeRequest) -> ProbeResult:
        is_bad = any(request.url.startswith(f"http://{arm}") for arm in self.bad)
        return ProbeResult(not is_bad, 0.01, 503 if is_bad else 200)


class TestGivenHealthChecksOfBothArms:
    async def told(self, feed: HealthFeed, looks: int) -> list[str]:
        return [one.words for _ in range(looks) for one in await feed.look(START)]

    async def test_when_only_the_candidate_fails_thrice_then_it_is_told_until_it_answers(self):
        prober = FakeProber()
        feed = HealthFeed(prober, ProbeRequest(""), "/health", ARMS, period=EVERY)
        prober.bad = {"green"}
        assert await self.told(feed, 2) == []
        assert "http://green/health failed 3 times" in (await self.told(feed, 1))[0]

        prober.bad = set()
        assert await self.told(feed, 2) == [""]

    async def test_when_both_fail_then_it_is_not_the_releases_doing(self):
        prober = FakeProber()
        prober.bad = {"green", "blue"}

        feed = HealthFeed(prober, ProbeRequest(""), "/health", ARMS, period=EVERY)

        assert await self.told(feed, 10) == []


class FakeAlerts:
    def __init__(self, *alerts: SecurityAlert) -> None:
        self.alerts = alerts
        self.asked = 0
        self.problem: Exception | None = None

    async def fetch_alerts(self, commit):
        self.asked += 1
        if self.problem:
            raise self.problem
        return self.alerts if commit == COMMIT else ()


class TestGivenSecurityAlerts:
    async def test_when_they_are_older_or_mild_then_only_the_grave_new_one_is_told_once(self):
        source = FakeAlerts(
            SecurityAlert("1", after(-60), "critical", "known before"),
            SecurityAlert("2", after(5), "low", "mild"),
            SecurityAlert("3", after(5), "high", "injection at api.py:7"),
        )
        feed = AlertFeed(source, ARMS, START, period=EVERY)

        (told,) = await feed.look(START)

        assert "injection" in told.words
        assert await feed.look(START) == []

    async def test_when_no_scanner_is_on_then_it_is_asked_once_and_when_silent_again(self):
        blind, silent = FakeAlerts(), FakeAlerts()
        blind.problem, silent.problem = Rejected("github", "none"), Unreachable("github", "silent")
        for source, error in ((blind, Rejected), (silent, Unreachable)):
            feed = AlertFeed(source, ARMS, START, period=EVERY)
            with pytest.raises(error):
                await feed.look(START)
            if source is blind:
                assert await feed.look(START) == ()
        assert blind.asked == 1
