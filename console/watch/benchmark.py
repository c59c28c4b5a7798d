"""A short burst at both arms, before any traffic: is the new release much slower than the current one?

Both arms are asked in turn, in random order within each pair, so that a machine that becomes busy hurts both alike. The
medians are compared, since one hiccup must not decide. A ratio above the limit counts only when the pairs agree: under
"no slower than allowed" the new release loses at most half of them, so the number it lost is tested as a coin.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.analysis.sequential.error_share import log_e
from console.domain.verdict import Verdict, VerdictKind
from console.watch.probes import Told, build_request, tell_nobody
from providers.contract import ProbeRequest, ProbeResult, ProbeSource

ALPHA = 0.001
FEWEST_PAIRS = 8


@dataclass(frozen=True)
class Benchmark:
    """What to ask and what to accept.

    `requests` go to each arm, `concurrency` pairs are in flight at once. The new release may take `max_slowdown` times
    the current one's median; a difference of medians below `slack` seconds is never called slow.
    """

    candidate: ProbeRequest
    stable: ProbeRequest
    requests: int = 60
    concurrency: int = 4
    max_slowdown: float = 1.5
    slack: float = 0.020

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Benchmark:
        """Build it from a plan's arguments."""
        return cls(
            build_request(str(arguments["candidate_url"]), arguments),
            build_request(str(arguments["baseline_url"]), arguments),
            int(arguments.get("requests", 60)),
            int(arguments.get("concurrency", 4)),
            float(arguments.get("max_slowdown", 1.5)),
            float(arguments.get("slack_s", 0.020)),
        )


@dataclass
class _Tally:
    pairs: list[tuple[float, float]] = field(default_factory=list)
    candidate_errors: int = 0
    stable_errors: int = 0
    reasons: set[str] = field(default_factory=set)

    def add(self, candidate: ProbeResult, stable: ProbeResult) -> None:
        self.candidate_errors += not candidate.ok
        self.stable_errors += not stable.ok
        if not candidate.ok:
            self.reasons.add(f"HTTP {candidate.status}" if candidate.status else candidate.reason)
        if candidate.ok and stable.ok:
            self.pairs.append((candidate.latency, stable.latency))


async def run_benchmark(
    source: ProbeSource, benchmark: Benchmark, tell: Told = tell_nobody, seed: int | None = None
) -> Verdict:
    """Ask both arms and judge. Never raises for bad answers: they are counted.

    Args:
        seed: Fixes the order within the pairs, for tests.
    """
    order = random.Random(seed)  # noqa: S311 - the order of two requests, not a secret
    tally = _Tally()
    waiting = iter(range(benchmark.requests))
    await asyncio.gather(*(_ask_pairs(source, benchmark, waiting, tally, order) for _ in range(benchmark.concurrency)))
    await tell(f"{benchmark.requests} requests to each arm answered")
    return judge_benchmark(benchmark, tally.pairs, tally.candidate_errors, tally.stable_errors, tally.reasons)


async def _ask_pairs(
    source: ProbeSource, benchmark: Benchmark, waiting: Iterable[int], tally: _Tally, order: random.Random
) -> None:
    for _ in waiting:
        if order.random() < 0.5:
            candidate = await source.probe(benchmark.candidate)
            stable = await source.probe(benchmark.stable)
        else:
            stable = await source.probe(benchmark.stable)
            candidate = await source.probe(benchmark.candidate)
        tally.add(candidate, stable)


def judge_benchmark(
    benchmark: Benchmark,
    pairs: list[tuple[float, float]],
    candidate_errors: int = 0,
    stable_errors: int = 0,
    reasons: Iterable[str] = (),
) -> Verdict:
    """Judge what was measured. Pure.

    Args:
        pairs: Seconds of the new and of the current release, asked one after the other; only pairs of good answers.
    """
    evidence: dict[str, object] = {
        "requests": benchmark.requests,
        "canary_errors": candidate_errors,
        "baseline_errors": stable_errors,
        "max_slowdown": benchmark.max_slowdown,
    }
    errors = f"{candidate_errors} of {benchmark.requests} requests to the new release failed"
    because = f" ({', '.join(sorted(reasons))})" if candidate_errors else ""
    is_dead = candidate_errors == benchmark.requests and stable_errors == 0
    if is_dead or log_e(candidate_errors, stable_errors, 0.5) >= -math.log(ALPHA):
        return Verdict(VerdictKind.FAIL, f"{errors}{because}, {stable_errors} to the current one.", evidence)
    if len(pairs) < FEWEST_PAIRS:
        words = f"Only {len(pairs)} pairs of good answers, {FEWEST_PAIRS} are needed to compare. {errors}{because}."
        return Verdict(VerdictKind.INCONCLUSIVE, words, evidence)
    ours = statistics.median(candidate for candidate, _ in pairs)
    theirs = statistics.median(stable for _, stable in pairs)
    lost = sum(candidate > stable * benchmark.max_slowdown + 1e-9 for candidate, stable in pairs)
    evidence |= {
        "canary_median": ours,
        "baseline_median": theirs,
        "ratio": ours / theirs if theirs > 0 else None,
        "pairs": len(pairs),
        "pairs_lost": lost,
    }
    words = (
        f"Median {ours * 1000:.1f} ms, current release {theirs * 1000:.1f} ms, "
        f"limit {max(theirs * benchmark.max_slowdown, theirs + benchmark.slack) * 1000:.1f} ms."
    )
    words += f" {errors}{because}." if candidate_errors else ""
    if ours <= theirs * benchmark.max_slowdown or ours - theirs <= benchmark.slack:
        return Verdict(VerdictKind.PASS, words, evidence)
    chance = coin_tail(lost, len(pairs))
    evidence["p_value"] = chance
    if chance <= ALPHA:
        return Verdict(VerdictKind.FAIL, f"{words} It was beyond it in {lost} of {len(pairs)} pairs.", evidence)
    words = f"{words} It was beyond it in only {lost} of {len(pairs)} pairs: too uneven to say."
    return Verdict(VerdictKind.INCONCLUSIVE, words, evidence)


def coin_tail(heads: int, tosses: int) -> float:
    """P(at least this many heads) of a fair coin: the sign test."""
    ways = sum(math.comb(tosses, count) for count in range(heads, tosses + 1))
    return float(ways / 2**tosses)
