"""`failover` shows its plan, needs a yes, and says what recovery took; a rehearsal says what it would take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from console.domain import events as ev
from console.domain.ids import StepId
from console.domain.plan import Phase, Plan, Step, StepKind, Wish
from console.domain.verdict import Verdict, VerdictKind
from tests.cli import conftest
from tests.cli.conftest import FakeService, build_plan

VERIFY = StepId("failover.verify")
MEASURED = {"rto_s": 42.5, "rpo_s": 3.0, "rpo": "at-most", "lost_bytes": None}
EXPECTED = {"expected_rto_s": 31.0, "expected_rpo_s": 0.5, "rests_on_assumption": [], "findings": []}


def plan_failover(wish: Wish, refusals: tuple[str, ...] = ()) -> Plan:
    arguments = {"to": "dr", "resolvers_s": 60, "rto_s": 900.0, "rpo_s": None}
    step = Step(VERIFY, "Verify that dr serves", StepKind.VERIFY_FAILOVER, Phase.VERIFY, arguments=arguments)
    return replace(build_plan(wish, refusals), strategy=wish.strategy, steps=() if refusals else (step,))


def given(monkeypatch: pytest.MonkeyPatch, *ends: ev.Payload) -> FakeService:
    monkeypatch.setattr(conftest, "build_plan", lambda wish, refusals=(): plan_failover(wish, refusals))
    began: list[ev.Payload] = [ev.DeploymentStarted("host"), ev.StepStarted(VERIFY, 1)]
    return FakeService(after_deploy=[*began, *ends, ev.DeploymentSucceeded()])


class TestGivenAStandby:
    @pytest.fixture
    def service(self, monkeypatch: pytest.MonkeyPatch) -> FakeService:
        return given(monkeypatch, ev.StepSucceeded(VERIFY, "dr serves", MEASURED))

    def test_when_nobody_says_yes_then_the_plan_is_all(self, shell: Any, service: FakeService) -> None:
        ran = shell("failover", "production")

        assert ran.code == 4
        assert "Verify that dr serves" in ran.err
        assert service.submitted == []

    def test_when_waited_for_then_the_figures_are_told_with_their_promises(
        self, shell: Any, service: FakeService
    ) -> None:
        ran = shell("failover", "production", "--yes", "--wait")

        assert ran.code == 0
        assert "recovery time  42.5 s (promised 15 m 00 s)" in ran.out
        assert "loss           at most 3.0 s of writes" in ran.out

    def test_when_shown_later_then_the_figures_are_told_again(self, shell: Any, service: FakeService) -> None:
        shell("failover", "production", "--yes", "--wait")

        assert "recovery time  42.5 s (promised 15 m 00 s)" in shell("show", "production").out

    def test_when_asked_as_json_then_the_figures_have_a_place_of_their_own(
        self, shell: Any, service: FakeService
    ) -> None:
        ran = shell("failover", "production", "--yes", "--wait", "--format", "json")

        found = json.loads(ran.out)["failover"]
        assert (found["to"], found["rto_s"], found["rpo_s"], found["rpo"]) == ("dr", 42.5, 3.0, "at-most")

    def test_when_it_is_a_dry_run_then_only_the_plan_is_shown(self, shell: Any, service: FakeService) -> None:
        ran = shell("failover", "production", "--back", "--dry-run")

        assert ran.code == 0
        assert "failover:back" in ran.out

    def test_when_an_emergency_has_no_reason_then_it_is_refused(self, shell: Any, service: FakeService) -> None:
        assert shell("failover", "production", "--emergency", "--yes").code == 2


class TestGivenARehearsal:
    @pytest.fixture
    def service(self, monkeypatch: pytest.MonkeyPatch) -> FakeService:
        words = Verdict(VerdictKind.PASS, "about 31 s", EXPECTED)
        return given(monkeypatch, ev.StageJudged(VERIFY, words), ev.StepSucceeded(VERIFY, "about 31 s"))

    def test_when_it_has_ended_then_it_says_what_to_expect_and_asked_nobody(
        self, shell: Any, service: FakeService
    ) -> None:
        ran = shell("failover", "production", "--rehearse")

        assert ran.code == 0
        assert "expected recovery time  31.0 s" in ran.out
        assert "expected loss           at most 500 ms of writes" in ran.out
