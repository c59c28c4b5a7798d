"""`config sync` shows digests first, needs a yes, and takes back only what was a sync."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from console.domain import events as ev
from console.domain.ids import ServiceName, StepId
from console.domain.plan import Phase, Step, StepKind, Undo, Wish
from console.domain.variables import NOTHING_TO_SET, SYNC
from tests.cli import conftest
from tests.cli.conftest import MANUAL_ROLLBACK, PRODUCTION, FakeService, build_plan

CONFIGURE = StepId("backend.configure-green")
DONE = [
    ev.DeploymentStarted("host"),
    ev.StepStarted(CONFIGURE, 1),
    ev.StepSucceeded(CONFIGURE),
    ev.DeploymentSucceeded(),
]


def plan_sync(wish: Wish, refusals: tuple[str, ...] = ()):
    changes = [
        {"name": "LEVEL", "before": "aaaa", "after": "bbbb"},
        {"name": "KEY", "before": "", "after": "cccc"},
    ]
    step = Step(
        CONFIGURE,
        "Set KEY, LEVEL of green of backend",
        StepKind.CONFIGURE,
        Phase.PREPARE,
        ServiceName("backend"),
        arguments={"arm": "green", "changes": changes},
        undo=Undo(StepKind.RESTORE_CONFIGURATION, "Put the variables of green of backend back"),
        forecast=timedelta(seconds=1),
    )
    steps = () if refusals else (step,)
    return replace(build_plan(wish, refusals), steps=steps, notes=("Render applies them with the next deploy.",))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    monkeypatch.setattr(conftest, "build_plan", lambda wish, refusals=(): plan_sync(wish, refusals))
    return FakeService(after_deploy=DONE, after_rollback=list(MANUAL_ROLLBACK))


class TestGivenVariablesThatDiffer:
    def test_when_nobody_says_yes_then_the_preview_is_all(self, shell, service) -> None:
        ran = shell("config", "sync", "production")

        assert ran.code == 4
        assert service.submitted == []
        assert "backend (green)  LEVEL  change  aaaa  bbbb" in ran.err
        assert "backend (green)  KEY    add     –     cccc" in ran.err
        assert "Render applies them with the next deploy." in ran.err

    def test_when_agreed_then_it_is_done_as_shown_and_followed_to_its_end(self, shell, service) -> None:
        ran = shell("config", "sync", "production", "--service", "backend", "--yes", "--format", "json")

        assert ran.code == 0
        assert service.submitted[0][0] == Wish(PRODUCTION, strategy=SYNC, services=(ServiceName("backend"),))
        assert json.loads(ran.out)["status"] == "succeeded"

    def test_when_there_is_nothing_to_set_then_that_is_good(self, shell, service) -> None:
        service.refusals = (NOTHING_TO_SET,)

        ran = shell("config", "sync", "production", "--yes")

        assert (ran.code, ran.out) == (0, "")
        assert service.submitted == []

    def test_when_it_cannot_be_planned_then_it_is_refused_with_the_reason(self, shell, service) -> None:
        service.refusals = ("backend: a reference leads nowhere.",)

        ran = shell("config", "sync", "production", "--yes")

        assert ran.code == 4
        assert "a reference leads nowhere" in ran.err


class TestGivenASyncThatWasDone:
    def test_when_undone_then_it_goes_back(self, shell, service) -> None:
        shell("config", "sync", "production", "--yes")

        ran = shell("config", "sync", "production", "--undo", "--yes")

        assert ran.code == 0
        assert [request.control for _, request in service.controls] == [ev.Control.ROLLBACK]

    def test_when_a_deployment_came_after_it_then_the_way_is_told(self, shell, service) -> None:
        shell("deploy", "production", "--release", "v1.1")

        ran = shell("config", "sync", "production", "--undo", "--yes")

        assert ran.code == 4
        assert "was no sync" in ran.err
        assert "quarterdeck rollback production" in ran.err
        assert service.controls == []
