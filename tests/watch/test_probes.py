"""Health, integration and the short benchmark, before a release gets traffic."""

from __future__ import annotations

import random

import pytest

from console.domain.verdict import VerdictKind
from console.watch.benchmark import Benchmark, coin_tail, judge_benchmark, run_benchmark
from console.watch.judgement import judge_settings
from console.watch.probes import HealthCheck, check_health, check_integration, integration_checks
from providers.contract import ProbeRequest, ProbeResult

from .conftest import BAD, GOOD, REFUSED

URL = "http://127.0.0.1:9001"


def check(**arguments) -> HealthCheck:
    return HealthCheck.of(URL, {"path": "/health", "attempts": 5, "successes": 2, "interval_s": 1.0, **arguments})


class TestGivenAHealthCheck:
    async def test_when_it_comes_up_then_it_passes_after_enough_good_answers_in_a_row(self, prober, clock):
        prober.given(f"{URL}/health", REFUSED, GOOD, BAD, GOOD, GOOD)
        verdict = await check_health(prober, check(), clock)
        assert verdict.is_pass
        assert verdict.evidence["attempts"] == 5
        assert clock.slept == [1.0] * 4

    async def test_when_it_never_does_then_it_fails_with_the_last_reason(self, prober, clock):
        prober.given(f"{URL}/health", REFUSED)
        told: list[str] = []

        async def tell(words: str) -> None:
            told.append(words)

        verdict = await check_health(prober, check(), clock, tell)
        assert verdict.is_fail
        assert "connection refused" in verdict.explanation
        assert "5 attempts" in verdict.explanation
        assert told[0] == "attempt 1 of 5: connection refused; 0 of 2 in a row"


class TestGivenIntegrationRequests:
    async def test_when_all_answer_as_expected_then_it_passes(self, prober):
        prober.given(f"{URL}/items", GOOD)
        assert (await check_integration(prober, integration_checks(URL, [{"path": "/items"}]))).is_pass

    async def test_when_one_does_not_then_it_fails_and_names_it(self, prober):
        prober.given(f"{URL}/items", GOOD)
        prober.given(f"{URL}/orders", BAD)
        checks = integration_checks(
            URL, [{"path": "/items"}, {"path": "orders", "name": "take an order", "method": "POST"}]
        )
        verdict = await check_integration(prober, checks)
        assert verdict.is_fail
        assert "take an order: HTTP 503, expected 200" in verdict.explanation
        assert prober.asked[1].method == "POST"

    async def test_when_there_is_nothing_to_ask_then_it_was_not_run(self, prober):
        assert (await check_integration(prober, ())).kind is VerdictKind.NOT_RUN


BENCHMARK = Benchmark(ProbeRequest("http://green"), ProbeRequest("http://blue"), requests=60, max_slowdown=1.5)


def pairs(ours: float, theirs: float, spread: float, count: int = 60, seed: int = 1) -> list[tuple[float, float]]:
    dice = random.Random(seed)
    return [(ours * dice.lognormvariate(0, spread), theirs * dice.lognormvariate(0, spread)) for _ in range(count)]


class TestGivenABenchmark:
    def test_when_it_is_as_fast_then_it_passes(self):
        assert judge_benchmark(BENCHMARK, pairs(0.1, 0.1, 0.3)).is_pass

    def test_when_it_takes_three_times_as_long_then_it_fails(self):
        verdict = judge_benchmark(BENCHMARK, pairs(0.3, 0.1, 0.3))
        assert verdict.is_fail
        assert verdict.evidence["ratio"] == pytest.approx(3, rel=0.2)

    def test_when_both_are_quick_then_a_difference_below_the_slack_is_never_slow(self):
        assert judge_benchmark(BENCHMARK, pairs(0.012, 0.003, 0.1)).is_pass

    def test_when_it_is_near_the_limit_then_it_is_doubt(self):
        assert judge_benchmark(BENCHMARK, pairs(0.16, 0.1, 0.8)).kind in {VerdictKind.INCONCLUSIVE, VerdictKind.PASS}

    def test_when_identical_then_it_is_practically_never_called_slow(self):
        verdicts = [judge_benchmark(BENCHMARK, pairs(0.1, 0.1, 1.0, seed=seed)) for seed in range(200)]
        assert not any(verdict.is_fail for verdict in verdicts)

    def test_when_hardly_anything_was_answered_then_it_is_inconclusive(self):
        assert judge_benchmark(BENCHMARK, pairs(0.1, 0.1, 0.1, count=3), 10, 10).kind is VerdictKind.INCONCLUSIVE

    def test_when_many_more_requests_fail_then_it_fails(self):
        verdict = judge_benchmark(BENCHMARK, pairs(0.1, 0.1, 0.1, count=40), 20, 0, {"HTTP 500"})
        assert verdict.is_fail
        assert "20 of 60" in verdict.explanation
        assert "HTTP 500" in verdict.explanation

    async def test_when_it_runs_then_each_arm_gets_its_requests_side_by_side(self, prober):
        prober.given("http://green", ProbeResult(True, 0.3, 200))
        prober.given("http://blue", ProbeResult(True, 0.1, 200))
        verdict = await run_benchmark(prober, BENCHMARK, seed=7)
        asked = [request.url for request in prober.asked]
        assert verdict.is_fail
        assert asked.count("http://green") == asked.count("http://blue") == 60
        assert 0 < asked[:40].count("http://green") < 40

    async def test_when_one_arm_is_dead_then_it_fails(self, prober):
        prober.given("http://blue", GOOD)
        assert (await run_benchmark(prober, BENCHMARK)).is_fail

    def test_then_the_coin_is_exact(self):
        assert coin_tail(0, 10) == 1.0
        assert coin_tail(10, 10) == pytest.approx(1 / 1024)


class TestGivenAPlansArguments:
    def test_then_one_alpha_is_shared_by_all_metrics(self):
        settings = judge_settings({"alpha": 0.01, "floor": 0.01, "min_requests": 20, "max_error_rate": 0.2})
        assert sum(settings.alpha.of(metric) for metric in settings.alpha.metrics) == pytest.approx(0.01)
        assert (settings.floor, settings.min_requests, settings.max_error_rate) == (0.01, 20, 0.2)
