"""`secrets rotate` shows every step with its undo, needs a yes, and does what it showed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from console.domain import events as ev
from console.domain.ids import StepId
from console.domain.plan import Phase, Plan, Step, StepKind, Undo, Wish
from tests.cli import conftest
from tests.cli.conftest import PRODUCTION, FakeService, build_plan

MAKE, REVOKE = StepId("secret.make"), StepId("secret.revoke")
DONE: list[ev.Payload] = [
    ev.DeploymentStarted("host"),
    ev.StepStarted(MAKE, 1),
    ev.StepSucceeded(MAKE),
    ev.StepStarted(REVOKE, 1),
    ev.StepSucceeded(REVOKE),
    ev.DeploymentSucceeded(),
]


def plan_rotation(wish: Wish, refusals: tuple[str, ...] = ()) -> Plan:
    steps = (
        Step(
            MAKE,
            "Make a new KEY beside the old one",
            StepKind.MAKE_SECRET,
            Phase.PREPARE,
            undo=Undo(StepKind.UNMAKE_SECRET, "Put the old KEY back"),
        ),
        Step(
            REVOKE,
            "Give up the old KEY",
            StepKind.REVOKE_SECRET,
            Phase.CLOSE,
            needs=(MAKE,),
            no_undo="The old value is kept nowhere afterwards.",
        ),
    )
    notes = ("file:key gets the new value.",)
    return replace(build_plan(wish, refusals), steps=() if refusals else steps, notes=notes)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    monkeypatch.setattr(conftest, "build_plan", lambda wish, refusals=(): plan_rotation(wish, refusals))
    return FakeService(after_deploy=DONE)


class TestGivenASecret:
    def test_when_nobody_says_yes_then_the_preview_is_all(self, shell: Any, service: FakeService) -> None:
        ran = shell("secrets", "rotate", "production", "KEY")

        assert ran.code == 4
        assert service.submitted == []
        assert "1  Make a new KEY beside the old one  (undo: Put the old KEY back)" in ran.err
        assert "2  Give up the old KEY  (The old value is kept nowhere afterwards.)" in ran.err
        assert "note      file:key gets the new value." in ran.err

    def test_when_agreed_then_it_is_followed_to_its_end(self, shell: Any, service: FakeService) -> None:
        ran = shell("secrets", "rotate", "production", "KEY", "--yes", "--format", "json")

        assert ran.code == 0
        assert service.submitted[0][0] == Wish(PRODUCTION, strategy="rotation:variable:KEY")
        assert json.loads(ran.out)["status"] == "succeeded"

    def test_when_nobody_waits_then_its_id_is_the_answer(self, shell: Any, service: FakeService) -> None:
        ran = shell("secrets", "rotate", "production", "KEY", "--yes", "--no-wait")

        assert ran.code == 0
        assert len(ran.out.split()) == 1

    def test_when_it_is_refused_then_the_reason_is_told(self, shell: Any, service: FakeService) -> None:
        service.refusals = ("KEY is referred to with env:.",)

        ran = shell("secrets", "rotate", "production", "KEY", "--yes")

        assert ran.code == 4
        assert "KEY is referred to with env:." in ran.err
