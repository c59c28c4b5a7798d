"""The demo's claims: what holds is told, what does not hold is named."""

from __future__ import annotations

import argparse
import io

import pytest

from console.cli.session import Session
from console.cli.story import ALSO_GOOD, Counts, Story
from console.domain import events as ev
from console.domain.events import Control
from console.domain.ids import ServiceName

from .conftest import BAD_STORY, GOOD_STORY, MANUAL_ROLLBACK, SHIFT, START, FakeReach, FakeService

HALFWAY: list[ev.Payload] = [
    ev.DeploymentStarted("host"),
    ev.StepStarted(SHIFT, 1),
    ev.TrafficShifted(ServiceName("backend"), {"blue": 50, "green": 50}),
]


class Customers:
    """A load generator that counts a thousand more at each look."""

    def __init__(self, failing: int = 0) -> None:
        self._requests = 0
        self._failed = 0
        self._failing = failing

    def __call__(self) -> Counts:
        self._requests += 1000
        self._failed += self._failing
        return Counts(self._requests, self._failed, ("timeout",) * min(self._failed, 20))


@pytest.fixture
def told() -> list[str]:
    return []


def build_story(service: FakeService, told: list[str], tmp_path, customers: Customers | None = None) -> Story:
    options = argparse.Namespace(format="text", home=str(tmp_path), config_file="")
    session = Session(options, FakeReach(service), out=io.StringIO(), err=io.StringIO(), now=lambda: START)
    return Story(session, service, customers or Customers(), tmp_path / "artifacts", told.append)


class TestGivenAGoodRelease:
    async def test_when_it_goes_live_then_the_part_holds_and_its_report_is_there(self, service, told, tmp_path):
        service.after_deploy = GOOD_STORY
        part = await build_story(service, told, tmp_path).good()
        assert part.broken == []
        assert part.requests >= 2000
        assert (tmp_path / "artifacts" / f"{part.deployment}.html").exists()
        assert any("0 failed" in line for line in told)

    async def test_when_requests_fail_then_it_does_not_hold_and_says_why(self, service, told, tmp_path):
        service.after_deploy = GOOD_STORY
        part = await build_story(service, told, tmp_path, Customers(failing=2)).good()
        assert any("timeout" in words for words in part.broken)

    async def test_when_it_is_taken_back_then_it_does_not_hold(self, service, told, tmp_path):
        service.after_deploy = BAD_STORY
        part = await build_story(service, told, tmp_path).good()
        assert any("succeeded" in words for words in part.broken)


class TestGivenAReleaseThatErrs:
    async def test_when_it_takes_itself_back_then_the_part_holds(self, service, told, tmp_path):
        service.after_deploy = BAD_STORY
        part = await build_story(service, told, tmp_path, Customers(failing=1)).erring()
        assert part.broken == []
        assert part.trigger == "automatic"
        assert part.traffic_restored_s is not None

    async def test_when_it_goes_live_then_it_does_not_hold(self, service, told, tmp_path):
        service.after_deploy = GOOD_STORY
        assert (await build_story(service, told, tmp_path).erring()).broken


class TestGivenAChangeOfMind:
    async def test_when_half_of_the_traffic_is_there_then_it_is_taken_back_once(self, service, told, tmp_path):
        service.after_deploy, service.after_rollback = HALFWAY, MANUAL_ROLLBACK
        part = await build_story(service, told, tmp_path).by_hand()
        assert part.broken == []
        assert [request.control for _, request in service.controls] == [Control.ROLLBACK]
        assert service.submitted[0][0].release == ALSO_GOOD
