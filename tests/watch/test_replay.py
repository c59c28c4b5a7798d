"""Recorded rollouts judged again: the same policy says the same, another one says what would differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from console.analysis.budget import AlphaBudget
from console.analysis.evidence import ArmCounts, Evidence
from console.analysis.judge import judge
from console.analysis.settings import JudgeSettings
from console.domain import events as ev
from console.domain.codec import to_json
from console.domain.events import event_from_json, event_to_json
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.plan import Phase, Plan, Step, StepKind
from console.domain.release import Release
from console.domain.verdict import Verdict, VerdictKind
from console.watch.replay import replay

START = datetime(2026, 11, 22, 6, 16, tzinfo=UTC)
BACKEND = ServiceName("backend")
THEN = JudgeSettings(min_requests=20)
CLEAN = Evidence().entering(0.1).adding(ArmCounts(400, 1), ArmCounts(3600, 9))
ERRING = CLEAN.entering(0.5).adding(ArmCounts(600, 42), ArmCounts(600, 6))


class Record:
    """One deployment's events, as the engine would write them."""

    def __init__(self) -> None:
        steps = tuple(
            Step(StepId(f"bake-{w}"), f"Hold {w}", StepKind.BAKE, Phase.ROLLOUT, BACKEND, arguments={"judge": {}})
            for w in (10, 50)
        )
        plan = Plan(EnvironmentName("production"), "blue-green", Release("a" * 40, "v1.1"), steps)
        self.events: list[ev.Event] = []
        self.tell(ev.DeploymentRequested(plan.environment, plan))

    def tell(self, *payloads: ev.Payload) -> None:
        for payload in payloads:
            seq = len(self.events) + 1
            event = ev.Event(DeploymentId("d1"), START + timedelta(seconds=seq), payload, seq=seq)
            self.events.append(event_from_json(event_to_json(event)))

    def judged(self, weight: int, evidence: Evidence, *, whole: bool = True, then: JudgeSettings = THEN) -> Verdict:
        verdict = judge(evidence, then)
        counts = to_json(evidence) if whole else {}
        self.tell(ev.StageJudged(StepId(f"bake-{weight}"), verdict, BACKEND, counts))
        return verdict


class TestGivenARecordWithItsCounts:
    def test_when_judged_by_the_same_policy_then_nothing_differs(self) -> None:
        record = Record()
        record.judged(10, CLEAN)
        record.judged(50, ERRING)

        found = replay(record.events, THEN)

        assert [one.now for one in found] == [one.then for one in found]
        assert not any(one.differs for one in found)

    def test_when_more_requests_are_asked_for_then_the_pass_would_have_been_held(self) -> None:
        record = Record()
        record.judged(10, CLEAN)

        (one,) = replay(record.events, JudgeSettings(min_requests=1000))

        assert one.then.kind is VerdictKind.PASS
        assert one.now is not None
        assert one.now.kind is VerdictKind.INCONCLUSIVE
        assert one.follows == "It went on, and would be held for more requests."

    def test_when_the_floor_is_above_the_damage_then_the_rollback_would_not_have_been(self) -> None:
        record = Record()
        record.judged(50, ERRING)

        (one,) = replay(record.events, JudgeSettings(min_requests=20, floor=0.2, margin=0.2))

        assert one.then.kind is VerdictKind.FAIL
        assert one.now is not None
        assert one.now.kind is VerdictKind.PASS
        assert one.now.evidence["canary_errors"] == 43


class TestGivenARecordThatKeptFiguresAlone:
    def test_when_judged_again_then_the_counts_follow_from_the_figures_and_the_stages_before(self) -> None:
        record = Record()
        record.tell(ev.StageJudged(StepId("bake-10"), judge(CLEAN, THEN), BACKEND))
        record.tell(ev.StepSucceeded(StepId("bake-10"), outputs={"evidence": to_json(CLEAN)}))
        record.judged(50, ERRING, whole=False)

        first, second = replay(record.events, THEN)

        assert (first.is_whole, second.is_whole) == (True, False)
        assert second.now is not None
        assert second.now.kind is VerdictKind.FAIL
        for figure in ("canary_requests", "baseline_errors", "stage_canary_requests", "error_log_evidence"):
            assert second.now.evidence[figure] == second.then.evidence[figure]

    def test_when_latency_had_decided_then_it_says_that_it_cannot_be_judged_again(self) -> None:
        record = Record()
        figures = {"trigger": "latency", "share": 0.1, "canary_requests": 400, "baseline_requests": 3600}
        slow = Verdict(VerdictKind.FAIL, "It is slower.", figures)
        record.tell(ev.StageJudged(StepId("bake-10"), slow, BACKEND))

        (one,) = replay(record.events, JudgeSettings(alpha=AlphaBudget(0.4)))

        assert (one.now, one.differs) == (None, False)
        assert "latency" in one.gap


class TestGivenVerdictsThatNoCountsStandBehind:
    def test_when_replayed_then_they_are_left_out(self) -> None:
        record = Record()
        record.tell(ev.StageJudged(StepId("bake-10"), Verdict(VerdictKind.PASS, "It answers.", {"asked": 3}), BACKEND))

        assert replay(record.events, THEN) == ()
