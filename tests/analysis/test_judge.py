"""The judge: what it takes back, what it lets pass, and everything that it only doubts."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import ClassVar

import pytest

from console.analysis.budget import REPORTS, AlphaBudget
from console.analysis.evidence import ArmCounts, Evidence, GaugePair, StageCounts
from console.analysis.judge import judge
from console.analysis.settings import Action, JudgeSettings
from console.domain.codec import from_json, to_json
from console.domain.verdict import VerdictKind

FAST = 0.004


def arm(requests: int, errors: int = 0, *, slow: int = 0, mean: float = FAST) -> ArmCounts:
    return ArmCounts(requests, errors, slow, requests, requests * mean)


def stage(share: float, candidate: ArmCounts, stable: ArmCounts | None = None) -> StageCounts:
    return StageCounts(share, candidate, stable or ArmCounts())


def verdict_on(*stages: StageCounts, settings: JudgeSettings | None = None, threshold: float | None = 0.005):
    return judge(Evidence(stages, slow_threshold=threshold), settings)


class TestGivenNothing:
    def test_when_no_stage_began_then_it_was_not_run(self):
        assert judge(Evidence()).kind is VerdictKind.NOT_RUN

    def test_when_the_candidate_gets_no_traffic_then_it_was_not_run(self):
        assert verdict_on(stage(0.0, arm(0), arm(500))).kind is VerdictKind.NOT_RUN

    def test_when_the_candidate_is_silent_then_it_never_passes(self):
        verdict = verdict_on(stage(0.1, arm(0), arm(20)))
        assert verdict.kind is VerdictKind.INCONCLUSIVE
        assert verdict.evidence["trigger"] == "silent"

    def test_when_the_baseline_is_silent_then_it_never_passes(self):
        assert verdict_on(stage(0.5, arm(500), arm(0))).kind is VerdictKind.INCONCLUSIVE


class TestGivenADeadCandidate:
    def test_when_none_of_twenty_was_good_then_it_fails_at_once(self):
        verdict = verdict_on(stage(0.1, arm(20, 20), arm(180)))
        assert verdict.is_fail
        assert verdict.evidence["trigger"] == "instant"

    def test_when_the_baseline_is_dead_too_then_it_is_not_the_release(self):
        verdict = verdict_on(stage(0.1, arm(30, 30), arm(270, 260)))
        assert verdict.kind is VerdictKind.INCONCLUSIVE
        assert verdict.evidence["trigger"] == "shared outage"


class TestGivenMoreErrors:
    def test_when_eight_percent_fail_beside_none_then_a_few_requests_suffice(self):
        verdict = verdict_on(stage(0.1, arm(60, 5), arm(540)))
        assert verdict.is_fail
        assert verdict.evidence["trigger"] == "errors"
        assert "5 of 60" in verdict.explanation
        assert "0 of 540" in verdict.explanation

    def test_when_the_difference_lies_below_the_floor_then_it_is_only_mentioned(self):
        verdict = verdict_on(stage(0.5, arm(100_000, 200), arm(100_000, 80)))
        assert verdict.is_pass
        assert "Worth a look" in verdict.explanation

    def test_when_both_fail_alike_then_it_is_no_failure(self):
        verdict = verdict_on(stage(0.1, arm(100, 20), arm(900, 180)))
        assert not verdict.is_fail

    def test_when_it_fails_only_with_all_traffic_then_the_former_baseline_tells(self):
        before = stage(0.5, arm(800), arm(800))
        assert verdict_on(before, stage(1.0, arm(200, 16))).is_fail

    def test_when_a_few_fail_with_all_traffic_then_the_ceiling_holds_it_back(self):
        before = stage(0.5, arm(1000), arm(1000))
        assert not verdict_on(before, stage(1.0, arm(500, 5))).is_fail

    def test_when_a_limit_is_set_then_it_holds_whatever_the_baseline_does(self):
        settings = JudgeSettings(max_error_rate=0.1)
        assert verdict_on(stage(0.5, arm(300, 90), arm(300, 90)), settings=settings).is_fail


class TestGivenASlowCandidate:
    def test_when_every_answer_takes_150_ms_longer_then_it_fails(self):
        verdict = verdict_on(stage(0.1, arm(40, slow=40, mean=0.154), arm(360, slow=30)))
        assert verdict.is_fail
        assert verdict.evidence["trigger"] == "latency"
        assert "154 ms" in verdict.explanation

    def test_when_it_is_slower_by_less_than_matters_then_it_passes(self):
        verdict = verdict_on(stage(0.5, arm(2000, slow=900, mean=0.006), arm(2000, slow=500, mean=0.004)))
        assert verdict.is_pass

    def test_when_no_threshold_is_known_then_latency_claims_nothing(self):
        verdict = verdict_on(stage(0.1, arm(100, mean=0.2), arm(900)), threshold=None)
        assert not verdict.is_fail

    def test_when_it_is_slow_only_with_all_traffic_then_it_is_doubt_not_failure(self):
        verdict = verdict_on(stage(0.5, arm(200), arm(200)), stage(1.0, arm(200, slow=200, mean=0.8)))
        assert verdict.kind is VerdictKind.INCONCLUSIVE
        assert verdict.evidence["trigger"] == "latency"

    def test_when_a_busy_machine_could_have_done_it_then_it_passes(self):
        beside = stage(0.5, arm(200, slow=50, mean=0.046), arm(200, slow=50, mean=0.046))
        assert verdict_on(beside, stage(1.0, arm(200, slow=180, mean=0.308))).is_pass

    def test_when_the_slowness_is_over_then_the_hold_ends(self):
        alone = replace(stage(1.0, arm(900, slow=800, mean=2.0)), recent=arm(100, slow=10, mean=0.01))
        assert verdict_on(stage(0.5, arm(200), arm(200)), alone).is_pass


class TestGivenABrokenSplit:
    def test_then_nothing_is_judged_however_bad_it_looks(self):
        verdict = verdict_on(stage(0.05, arm(350, 35), arm(4650)))
        assert verdict.kind is VerdictKind.INCONCLUSIVE
        assert verdict.evidence["trigger"] == "split"


class TestGivenMoreTrafficThanWasSet:
    """8 % of 1,000 requests where 5 % was set: not yet surely unfair."""

    def test_when_errors_are_divided_as_the_requests_are_then_it_is_not_to_blame(self):
        verdict = verdict_on(stage(0.05, arm(80, 8), arm(920, 26)))
        assert verdict.evidence["split_log_evidence"] < verdict.evidence["split_log_evidence_needed"]
        assert not verdict.is_fail
        as_set = verdict_on(stage(0.05, arm(50, 8), arm(950, 26)))
        assert as_set.is_fail

    def test_when_it_gets_less_then_the_share_that_was_set_counts(self):
        assert stage(0.05, arm(30), arm(970)).likely_share == 0.05


class TestGivenTooFewRequests:
    def test_then_it_says_how_many_are_needed_and_those_suffice(self):
        doubt = verdict_on(stage(0.1, arm(30), arm(270)))
        assert doubt.kind is VerdictKind.INCONCLUSIVE
        needed = doubt.evidence["requests_needed"]
        assert isinstance(needed, int)
        assert needed > 0
        enough = verdict_on(stage(0.1, arm(30 + needed), arm(270 + 9 * needed)))
        assert enough.is_pass
        almost = verdict_on(stage(0.1, arm(29 + needed), arm(270 + 9 * needed)))
        assert not almost.is_pass

    def test_when_a_new_stage_begins_then_it_needs_requests_of_its_own(self):
        verdict = verdict_on(stage(0.1, arm(200), arm(1800)), stage(0.5, arm(10), arm(10)))
        assert verdict.kind is VerdictKind.INCONCLUSIVE
        assert verdict.evidence["requests_needed"] == 10

    def test_when_errors_came_on_both_sides_then_more_are_needed_than_without(self):
        clean = verdict_on(stage(0.5, arm(60), arm(60)))
        noisy = verdict_on(stage(0.5, arm(60, 2), arm(60, 2)))
        assert noisy.evidence["requests_needed"] > clean.evidence["requests_needed"]


class TestGivenWhatIsToFollow:
    BAD = (stage(0.1, arm(120, 12), arm(1080)),)

    @pytest.mark.parametrize(
        ("action", "kind"),
        [
            (Action.ROLL_BACK, VerdictKind.FAIL),
            (Action.PAUSE, VerdictKind.INCONCLUSIVE),
        ],
    )
    def test_when_errors_are_found_then_the_verdict_says_what_is_to_follow(self, action, kind):
        verdict = verdict_on(*self.BAD, settings=JudgeSettings(on_errors=action))
        assert (verdict.kind, verdict.evidence["action"]) == (kind, action.value)

    def test_when_they_are_only_observed_then_they_are_named(self):
        verdict = verdict_on(*self.BAD, settings=JudgeSettings(on_errors=Action.OBSERVE))
        assert not verdict.is_fail
        assert verdict.evidence["observed"] == ("errors",)
        assert "Only observed" in verdict.explanation

    def test_when_security_raises_an_alert_then_it_fails_without_statistics(self):
        evidence = Evidence((stage(0.1, arm(0), arm(50)),), alerts=("CVE-2026-1 in the image",))
        verdict = judge(evidence)
        assert verdict.is_fail
        assert "CVE-2026-1" in verdict.explanation

    def test_when_users_report_the_new_release_then_it_fails_where_reports_are_counted(self):
        candidate, stable = replace(arm(500), reports=9), replace(arm(4500), reports=4)
        settings = JudgeSettings(alpha=AlphaBudget(metrics=(*AlphaBudget().metrics, REPORTS)))
        assert verdict_on(stage(0.1, candidate, stable), settings=settings).evidence["trigger"] == "reports"
        assert verdict_on(stage(0.1, candidate, stable)).is_pass

    def test_when_memory_differs_then_it_pauses_at_most(self):
        memory = GaugePair("memory", tuple(200.0 + i for i in range(10)), tuple(100.0 + i for i in range(10)))
        evidence = Evidence((stage(0.5, arm(300), arm(300)),), gauges=(memory,))
        assert judge(evidence).is_pass
        paused = judge(evidence, JudgeSettings(on_gauges=Action.PAUSE))
        assert paused.kind is VerdictKind.INCONCLUSIVE
        assert paused.evidence["gauges"] == ("memory: High",)

    def test_when_a_latency_margin_is_asked_for_then_counts_without_buckets_never_pass(self):
        verdict = verdict_on(stage(0.5, arm(900), arm(900)), settings=JudgeSettings(latency_margin=0.2))
        assert verdict.kind is VerdictKind.INCONCLUSIVE

    def test_when_it_is_shown_not_to_be_slower_then_it_passes(self):
        counts = replace(arm(900), histogram=(300, 400, 200))
        evidence = Evidence((stage(0.5, counts, counts),), bounds=(0.1, 0.25))
        verdict = judge(evidence, JudgeSettings(latency_margin=0.2))
        assert verdict.is_pass
        assert (
            verdict.evidence["slowdown_low"] < 0.0 == verdict.evidence["slowdown"] < verdict.evidence["slowdown_high"]
        )


class TestGivenTheBudget:
    def test_then_all_metrics_together_spend_no_more_than_it(self):
        for metrics in (AlphaBudget().metrics, (*AlphaBudget().metrics, REPORTS)):
            budget = AlphaBudget(0.02, metrics)
            assert sum(budget.of(metric) for metric in metrics) == pytest.approx(0.02)

    def test_when_a_metric_has_no_part_then_no_evidence_suffices(self):
        assert AlphaBudget().log_evidence_needed(REPORTS) == float("inf")


class TestGivenCountsOnRecord:
    OLD: ClassVar = {
        "stages": [
            {
                "share": 0.1,
                "candidate": {"requests": 60, "errors": 5, "slow": 3, "timed": 60, "latency_sum": 0.24},
                "stable": {"requests": 540, "errors": 0, "slow": 20, "timed": 540, "latency_sum": 2.1},
                "blocks": 9,
                "blocks_slower": 4,
                "recent": None,
            }
        ],
        "slow_threshold": 0.005,
        "before": {"requests": 0, "errors": 0, "slow": 0, "timed": 0, "latency_sum": 0.0},
    }

    def test_when_they_are_of_an_earlier_time_then_they_are_still_judged(self):
        assert judge(from_json(Evidence, self.OLD)).evidence["trigger"] == "errors"

    def test_then_they_come_back_as_they_were(self):
        counts = replace(arm(10), histogram=(1, 9), reports=2)
        pair = GaugePair("cpu", (0.5,), (0.4,))
        evidence = Evidence((stage(0.1, counts, arm(90)),), 0.1, arm(5), (0.25,), ("an alert",), (pair,))
        assert from_json(Evidence, to_json(evidence)) == evidence


class TestGivenWholeRollouts:
    """Simulated with a fixed seed, looked at after every fifty requests, stages 10, 50 and 100 percent."""

    @staticmethod
    def run(candidate: float, stable: float, seed: int, requests: int = 3000) -> tuple[VerdictKind, int]:
        dice = random.Random(seed)
        done: list[StageCounts] = []
        for share in (0.1, 0.5, 1.0):
            counts = [[0, 0], [0, 0]]
            for number in range(1, requests // 3 + 1):
                side = 0 if dice.random() < share else 1
                counts[side][0] += 1
                counts[side][1] += dice.random() < (stable if side else candidate)
                if number % 50 == 0:
                    now = stage(share, arm(*counts[0]), arm(*counts[1]))
                    verdict = verdict_on(*done, now)
                    if verdict.is_fail:
                        return verdict.kind, sum(s.candidate.requests for s in done) + counts[0][0]
            done.append(stage(share, arm(*counts[0]), arm(*counts[1])))
        return verdict_on(*done).kind, 0

    def test_when_the_release_is_no_worse_then_it_is_hardly_ever_taken_back(self):
        outcomes = [self.run(0.01, 0.01, seed)[0] for seed in range(20)]
        assert outcomes.count(VerdictKind.FAIL) <= 1

    def test_when_it_errs_five_points_more_then_it_is_always_found_soon(self):
        delays = []
        for seed in range(20):
            kind, after = self.run(0.06, 0.01, seed)
            assert kind is VerdictKind.FAIL
            delays.append(after)
        assert sorted(delays)[len(delays) // 2] <= 400

    @pytest.mark.parametrize("seed", range(3))
    def test_when_it_is_good_then_it_passes_at_the_end(self, seed):
        assert self.run(0.0, 0.0, seed)[0] is VerdictKind.PASS
