"""`replay` lists what today's configuration would decide differently, and its exit code says whether anything would."""

from __future__ import annotations

import json

import pytest

from console.analysis.evidence import ArmCounts, Evidence
from console.analysis.judge import judge
from console.domain import events as ev
from console.domain.codec import to_json
from console.domain.ids import DeploymentId, ServiceName, StepId
from console.domain.plan import Phase, Plan, Step, StepKind
from console.domain.release import Release
from console.watch.judgement import judge_settings
from tests.cli.conftest import PRODUCTION, FakeService, Shell

FOUND = Evidence().entering(0.1).adding(ArmCounts(400, 1), ArmCounts(3600, 9))
CONFIGURATION = """
[providers.render]
kind = "render"
token = "env:RENDER_API_KEY"

[services.backend]
provider = "render"

[environments.production]
tier = "production"

[environments.production.services.backend]
id = "srv-1"
"""


@pytest.fixture
def shell(shell: Shell, service: FakeService, tmp_path) -> Shell:
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    bake = Step(StepId("bake"), "Hold", StepKind.BAKE, Phase.ROLLOUT, arguments={"judge": {"min_requests": 20}})
    plan = Plan(PRODUCTION, "blue-green", Release("a" * 40, "v1.1"), (bake,))
    verdict = judge(FOUND, judge_settings({"min_requests": 20}))
    service.tell(
        DeploymentId("261122-061603-0001"),
        ev.DeploymentRequested(PRODUCTION, plan),
        ev.StageJudged(bake.id, verdict, ServiceName("backend"), to_json(FOUND)),
        ev.DeploymentSucceeded(),
    )
    return shell


class TestGivenARolloutOnRecord:
    def test_when_replayed_by_the_configuration_as_it_was_then_it_ends_with_0(self, shell) -> None:
        ran = shell("replay", "production")

        assert ran.code == 0
        assert ran.out == "0 of 1 verdict would differ, in 1 deployment; 0 could not be judged again.\n"

    def test_when_replayed_by_a_stricter_one_then_the_difference_is_told_with_both_reasons(self, shell) -> None:
        ran = shell("replay", "--min-requests", "1000")

        assert ran.code == 1
        assert "✓ pass" in ran.out
        assert "? inconclusive" in ran.out
        assert "It went on, and would be held for more requests." in ran.out
        assert "This stage needs 600 more requests." in ran.out

    def test_when_asked_for_json_then_then_and_now_stand_with_their_evidence(self, shell) -> None:
        ran = shell("replay", "--deployment", "261122-061603-0001", "--min-requests", "1000", "--format", "json")

        told = json.loads(ran.out)
        (difference,) = told["differences"]
        assert (difference["then"]["kind"], difference["now"]["kind"]) == ("pass", "inconclusive")
        assert difference["now"]["evidence"]["canary_requests"] == 400
        assert told["tolerances"]["production"]["min_requests"] == 1000

    def test_when_only_later_ones_are_wanted_then_there_is_nothing_to_judge(self, shell) -> None:
        ran = shell("replay", "--since", "2099-01-01")

        assert (ran.code, ran.out.split(",")[0]) == (0, "0 of 0 verdicts would differ")

    def test_when_the_environment_is_unknown_then_the_known_ones_are_named(self, shell) -> None:
        ran = shell("replay", "prod")

        assert ran.code == 2
        assert "Known: production" in ran.err


class TestGivenAnEnvironmentThatIsConfiguredNoLonger:
    def test_when_replayed_then_its_rollouts_are_left_out_and_that_is_said(self, shell, tmp_path) -> None:
        (tmp_path / "config.toml").write_text(CONFIGURATION.replace("production", "staging"))

        ran = shell("replay")

        assert ran.code == 0
        assert "Left out: 1 deployment of environments that are configured no longer" in ran.err
