"""`maintenance on|off|status`: it shows first, asks, and does what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from console.domain import events as ev
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ProviderName, ServiceName, StepId
from console.domain.maintenance import NO_PAGE_UP, OpenPage
from console.domain.observations import EnvironmentStatus
from console.domain.plan import Phase, Plan, Step, StepKind, Undo, Wish
from tests.cli import conftest
from tests.cli.conftest import START, FakeService, build_plan

BACKEND, PAGE = ServiceName("backend"), StepId("backend.page-on")
DONE: list[ev.Payload] = [
    ev.DeploymentStarted("host"),
    ev.StepStarted(PAGE, 1),
    ev.StepSucceeded(PAGE),
    ev.DeploymentSucceeded(),
]


def plan_page(wish: Wish, refusals: tuple[str, ...] = ()) -> Plan:
    undo = Undo(StepKind.MAINTAIN, "Take the holding page of backend away")
    name = "Put up the holding page of backend"
    step = Step(PAGE, name, StepKind.MAINTAIN, Phase.ROLLOUT, BACKEND, ProviderName("edge"), undo=undo)
    return replace(
        build_plan(wish, refusals), steps=() if refusals else (step,), notes=("backend: by the router edge.",)
    )


@dataclass
class InMaintenance(FakeService):
    pages: tuple[OpenPage, ...] = ()

    async def environments(self, name: EnvironmentName | None = None) -> Sequence[EnvironmentStatus]:
        return [replace(status, pages=self.pages) for status in await super().environments(name)]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> InMaintenance:
    monkeypatch.setattr(conftest, "build_plan", lambda wish, refusals=(): plan_page(wish, refusals))
    return InMaintenance(after_deploy=DONE)


class TestGivenServicesThatServe:
    def test_when_nobody_says_yes_then_the_preview_is_all(self, shell: Any, service: InMaintenance) -> None:
        ran = shell("maintenance", "on", "production")

        assert (ran.code, service.submitted) == (4, [])
        assert "Put up the holding page of backend  (undo: Take the holding page of backend away)" in ran.err
        assert "note      backend: by the router edge." in ran.err

    def test_when_agreed_then_length_and_message_are_asked_for(self, shell: Any, service: InMaintenance) -> None:
        ran = shell("maintenance", "on", "production", "--for", "30m", "--message", "Soon.", "--yes")

        wish = service.submitted[0][0].maintenance
        assert (ran.code, wish.on, wish.message) == (0, True, "Soon.")
        assert wish.until is not None

    def test_when_no_page_is_up_then_its_end_is_no_fault(self, shell: Any, service: InMaintenance) -> None:
        service.refusals = (NO_PAGE_UP,)

        ran = shell("maintenance", "off", "production")

        assert (ran.code, service.submitted, NO_PAGE_UP in ran.err) == (0, [], True)

    @pytest.mark.parametrize(
        "options", [("--for", "soon"), ("--until", "soon"), ("--for", "1h", "--until", "14:30"), ("--until", "25:00")]
    )
    def test_when_its_end_makes_no_sense_then_it_is_wrong_usage(
        self, shell: Any, service: InMaintenance, options: tuple[str, ...]
    ) -> None:
        ran = shell("maintenance", "on", "production", "--yes", *options)

        assert (ran.code, service.submitted) == (2, [])


class TestGivenMaintenance:
    @pytest.fixture(autouse=True)
    def up(self, service: InMaintenance) -> None:
        until = START + timedelta(minutes=30)
        service.pages = (OpenPage(BACKEND, START, DeploymentId("7f2"), Actor("kim"), until),)

    def test_when_it_ends_then_nobody_is_asked(self, shell: Any, service: InMaintenance) -> None:
        ran = shell("maintenance", "off", "production")

        assert (ran.code, service.submitted[0][0].maintenance.on) == (0, False)

    def test_when_its_state_is_asked_for_then_who_and_until_when_are_told(
        self, shell: Any, service: InMaintenance
    ) -> None:
        ran = shell("maintenance", "status", "production")

        assert "maintenance of backend since" in ran.out
        assert "by kim, until" in ran.out

    def test_when_somebody_took_the_page_away_then_it_is_told(self, shell: Any, service: InMaintenance) -> None:
        service.refusals = (NO_PAGE_UP,)

        assert "the page of backend was taken away elsewhere" in shell("maintenance", "status", "production").out

    def test_when_the_environments_are_listed_then_they_say_so(self, shell: Any, service: InMaintenance) -> None:
        assert "! production: maintenance of backend" in shell("status").out
