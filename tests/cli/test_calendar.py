"""`freeze`, `schedule` and `deploy --at`: times as people write them, and what is said about them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from console.cli.looking import calendar_lines
from console.cli.session import Session
from console.domain.freeze import FreezeSpan
from console.domain.ids import Actor, EnvironmentName
from console.domain.observations import EnvironmentStatus
from console.domain.plan import Wish
from console.domain.release import Release
from console.domain.schedule import Scheduled, ScheduledId, ScheduleStatus
from tests.cli.conftest import PRODUCTION, START, FakeService

SALE = ("freeze", "add", "production", "--reason", "the sale")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.cli.main.Session", partial(Session, now=lambda: START))


@pytest.fixture
def service() -> FakeService:
    return FakeService()


class TestGivenAFreezeToAdd:
    def test_when_it_has_an_end_then_it_begins_now(self, shell: Any, service: FakeService) -> None:
        ran = shell(*SALE, "--until", "2026-11-30T08:00")

        assert (ran.code, ran.out) == (0, "f-1\n")
        (freeze,) = service.frozen
        assert (freeze.begins_at, freeze.ends_at) == (START, datetime(2026, 11, 30, 8, tzinfo=UTC))
        assert "production is frozen until 2026-11-30 08:00 UTC: the sale" in ran.err
        assert "`quarterdeck freeze lift f-1`" in ran.err

    def test_when_it_begins_later_then_its_length_counts_from_there(self, shell: Any, service: FakeService) -> None:
        ran = shell(*SALE, "--from", "18:00 Europe/Berlin", "--for", "2d")

        (freeze,) = service.frozen
        begin = datetime(2026, 11, 22, 17, tzinfo=UTC)
        assert (ran.code, freeze.begins_at, freeze.ends_at) == (0, begin, begin + timedelta(days=2))

    @pytest.mark.parametrize(
        "more",
        [(), ("--until", "22:00", "--for", "2h"), ("--for", "soon"), ("--for", "0"), ("--until", "the end")],
    )
    def test_when_its_end_is_not_clear_then_it_is_wrong_usage(
        self, shell: Any, service: FakeService, more: tuple[str, ...]
    ) -> None:
        assert (shell(*SALE, *more).code, service.frozen) == (2, [])

    def test_when_services_are_named_then_it_holds_these_alone(self, shell: Any, service: FakeService) -> None:
        ran = shell(*SALE, "--for", "2h", "--service", "backend", "worker")

        assert service.frozen[0].services == ("backend", "worker")
        assert "production is frozen for backend, worker until 2026-11-22 08:16 UTC" in ran.err

    def test_when_nobody_says_why_then_it_is_wrong_usage(self, shell: Any) -> None:
        assert shell("freeze", "add", "production", "--for", "2h").code == 2


class TestGivenAFreeze:
    def test_when_listed_then_it_says_that_it_holds_and_who_added_it(self, shell: Any) -> None:
        shell(*SALE, "--for", "2h")

        text, data = shell("freeze", "list"), shell("freeze", "list", "production", "--format", "json")

        assert (
            "production   all       holds  2026-11-22 06:16:03Z  2026-11-22 08:16:03Z  ana, f-1  the sale" in text.out
        )
        assert json.loads(data.out)[0]["ends_at"] == "2026-11-22T08:16:03Z"

    def test_when_lifted_then_it_is_gone(self, shell: Any, service: FakeService) -> None:
        shell(*SALE, "--for", "2h")

        ran = shell("freeze", "lift", "production", "--reason", "called off")

        assert (ran.code, service.frozen) == (0, [])
        assert "Nothing is frozen" in shell("freeze", "list").out


class TestGivenADeploymentToSchedule:
    @pytest.mark.parametrize("command", [("deploy",), ("schedule", "add")])
    def test_when_its_time_is_today_then_it_is_kept_with_the_wish(
        self, shell: Any, service: FakeService, command: tuple[str, ...]
    ) -> None:
        ran = shell(*command, "production", "--release", "v2", "--service", "backend", "--at", "22:00", "--yes")

        assert (ran.code, ran.out, service.submitted) == (0, "s-1\n", [])
        wish = service.schedules[0].wish
        assert wish == Wish(PRODUCTION, "v2", services=("backend",), at=datetime(2026, 11, 22, 22, tzinfo=UTC))
        assert "v2 is aaaaaaaa now; that commit is deployed then, also if v2 moves on meanwhile." in ran.err
        assert "`quarterdeck schedule cancel s-1`" in ran.err

    def test_when_its_time_is_past_today_then_it_is_tomorrow(self, shell: Any, service: FakeService) -> None:
        shell("deploy", "production", "--at", "06:00")

        assert service.schedules[0].wish.at == datetime(2026, 11, 23, 6, tzinfo=UTC)

    def test_when_it_is_also_to_be_waited_for_then_it_is_wrong_usage(self, shell: Any, service: FakeService) -> None:
        ran = shell("deploy", "production", "--at", "22:00", "--wait")

        assert (ran.code, service.schedules) == (2, [])

    def test_when_no_time_is_meant_then_it_is_wrong_usage_and_says_how(self, shell: Any) -> None:
        ran = shell("deploy", "production", "--at", "tonight")

        assert ran.code == 2
        assert "Write 22:00, 22:00 Europe/Berlin or 2026-11-22T22:00" in ran.err

    def test_when_schedule_add_has_no_time_then_it_is_wrong_usage(self, shell: Any, service: FakeService) -> None:
        assert (shell("schedule", "add", "production").code, service.schedules) == (2, [])

    def test_when_the_worker_refuses_then_the_code_says_so(self, shell: Any, service: FakeService) -> None:
        service.refusals = ("production is frozen until 2026-11-30 08:00 UTC: the sale.",)

        ran = shell("deploy", "production", "--at", "22:00")

        assert ran.code == 4
        assert "the sale" in ran.err


class TestGivenASchedule:
    def test_when_listed_and_cancelled_then_each_is_told(self, shell: Any, service: FakeService) -> None:
        shell("deploy", "production", "--at", "22:00", "--release", "v2")

        listed, cancelled = shell("schedule", "list", "--all"), shell("schedule", "cancel", "s-1")

        assert "s-1        2026-11-22 22:00:00Z  production   v2 (aaaaaaaa)  ana  waiting" in listed.out
        assert (cancelled.code, service.scheduled) == (0, [])
        assert shell("schedule", "list").out == "Nothing is scheduled.\n"


class TestGivenADeploymentThatWasMissed:
    def test_when_the_history_is_listed_then_it_says_so_beside_the_data(self, shell: Any, service: FakeService) -> None:
        shell("deploy", "production", "--at", "22:00", "--release", "v2")
        service.scheduled[0] = replace(service.scheduled[0], status=ScheduleStatus.MISSED, detail="Nobody looked.")

        ran = shell("history")

        assert "v2 at 2026-11-22 22:00 UTC, asked for by ana (s-1) was missed: Nobody looked." in ran.err
        assert "s-1" not in ran.out


class TestGivenAnEnvironmentWithAllOfIt:
    def test_when_its_status_is_told_then_each_is_a_line(self) -> None:
        name = EnvironmentName("production")
        sale = FreezeSpan(name, START, START + timedelta(hours=1), "the sale", "f-1", "ann")
        weekend = FreezeSpan(name, START + timedelta(days=2), START + timedelta(days=4), "weekend", window="w")
        release = Release("b" * 40, "v2")
        entry = Scheduled(ScheduledId("s-1"), START, Wish(name), release, "", Actor("kim"), START)
        missed = Scheduled(
            ScheduledId("s-2"),
            START,
            Wish(name),
            release,
            "",
            Actor("kim"),
            START,
            ScheduleStatus.MISSED,
            detail="Late.",
        )
        status = EnvironmentStatus(name, "production", freezes=(sale, weekend), scheduled=(entry, missed))

        assert list(calendar_lines(status, START)) == [
            "! production is frozen until 2026-11-22 07:16 UTC: the sale (ann, f-1)",
            "  production is frozen from 2026-11-24 06:16 until 2026-11-26 06:16 UTC: weekend (configured: w)",
            "  production: v2 at 2026-11-22 06:16 UTC, asked for by kim (s-1)",
            "! production: v2 at 2026-11-22 06:16 UTC, asked for by kim (s-2) was missed: Late.",
        ]
