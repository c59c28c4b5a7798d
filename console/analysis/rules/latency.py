"""Is the canary slower? By two tests that see different damage, each with its own part of alpha.

*Slow share*: with the baseline's 75th percentile as the threshold about a quarter of fair requests are slow, so slow
requests are divided like errors, and the same exact test tells whose they are. Heavy tails and units do not matter, nor
does the threshold's height as long as it depends on the past alone, so that it follows a machine that slows down or
recovers. It sees damage to the tail alone. *Log mean*: the mean of ln(latency), which finds a general slowdown soonest.

Because any difference, however small, is found in the end, a rollback also asks that the mean is worse by a factor and
by some seconds. And because one hiccup of a machine makes many requests slow at once, which both tests would take for
as many witnesses, time is cut into short stretches: the canary must have been the slower one in most of them, and the
difference of means must be as sure between the stretches as it is between the requests.

Alone, with all traffic on the canary, a slow machine and a slow release look the same, and a busy machine alone was
measured to answer seven times as slowly as minutes before (308 ms after 46 ms). A release that is slow by itself was
seen beside the baseline in the stages before. So latency alone never takes back, and holds only for what is gross
(a multiple of the former baseline, and half a second above it), lasting (most stretches of time of the stage, most
requests of the last looks) and still there: once the last looks are fine, the hold ends by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from console.analysis.budget import LOG_MEAN, SLOW_SHARE
from console.analysis.evidence import ArmCounts, Evidence, StageCounts, total
from console.analysis.sequential.log_mean import (
    FEWEST_REQUESTS,
    LogDifference,
    half_width,
    log_evidence_of_more,
    log_latency,
)
from console.analysis.sequential.ratios import SLIGHTLY_MORE, log_evidence_of_stages
from console.analysis.settings import JudgeSettings

FEWEST_BLOCKS = 5
INTERVAL_ALPHA = 0.05


@dataclass(frozen=True)
class LatencyFinding:
    """Natural logarithms of the evidence of both tests and of what each needs; `is_damage` rolls back.

    `slowdown` is the change of the geometric mean with its bounds, in parts; None before it can be told.
    """

    slow_share: float
    slow_share_needed: float
    log_mean: float
    log_mean_needed: float
    is_damage: bool
    is_doubt: bool
    words: str
    slowdown: tuple[float, float, float] | None


def find_latency(evidence: Evidence, settings: JudgeSettings) -> LatencyFinding:
    """Weigh all stages in which both arms ran; without a threshold and without buckets nothing is claimed."""
    stages = evidence.concurrent
    slow_share = log_evidence_of_stages(
        ((s.likely_share, s.candidate.slow, s.stable.slow) for s in stages), SLIGHTLY_MORE
    )
    differences = _differences(evidence)
    alpha = settings.alpha.of(LOG_MEAN)
    log_mean = math.fsum(log_evidence_of_more(one.mean, one.variance, one.requests, alpha) for one in differences)
    needed = settings.alpha.log_evidence_needed(SLOW_SHARE), settings.alpha.log_evidence_needed(LOG_MEAN)
    candidate, stable = total(*(stage.candidate for stage in stages)), evidence.stable
    is_strong = (slow_share >= needed[0] and evidence.slow_threshold is not None) or log_mean >= needed[1]
    is_damage = is_strong and _is_lasting(stages) and _is_slower(candidate, stable, settings.latency_ratio, settings)
    is_doubt = not is_damage and _is_slower_alone(evidence, stable, settings)
    words = _alone_words(evidence, stable, settings) if is_doubt else _words(candidate, stable)
    slowdown = _slowdown(differences)
    return LatencyFinding(slow_share, needed[0], log_mean, needed[1], is_damage, is_doubt, words, slowdown)


def _differences(evidence: Evidence) -> list[LogDifference]:
    """Canary less baseline of each stage in which both had enough requests to be compared by their mean."""
    found = []
    for stage in evidence.concurrent:
        if min(stage.candidate.requests, stage.stable.requests) < FEWEST_REQUESTS:
            continue
        ours = log_latency(stage.candidate.histogram, evidence.bounds)
        theirs = log_latency(stage.stable.histogram, evidence.bounds)
        if ours is not None and theirs is not None:
            variance = ours.variance / ours.requests + theirs.variance / theirs.requests
            variance = max(variance, _variance_of_blocks(stage))
            found.append(LogDifference(ours.mean - theirs.mean, variance, ours.requests))
    return found


def _slowdown(differences: Sequence[LogDifference]) -> tuple[float, float, float] | None:
    """How much slower over all stages, in parts (0.2 is 20 %), between bounds that hold at any look with 95 %."""
    if not differences:
        return None
    weight = math.fsum(1.0 / one.variance for one in differences)
    mean = math.fsum(one.mean / one.variance for one in differences) / weight
    half = half_width(1.0 / weight, sum(one.requests for one in differences), INTERVAL_ALPHA)
    return math.expm1(mean), math.expm1(mean - half), math.expm1(mean + half)


def find_latency_margin(evidence: Evidence, settings: JudgeSettings) -> str:
    """What is missing to claim that the canary is not slower by the margin; empty once shown, or not asked for.

    Evidence against "slower by at least the margin" multiplies over the stages, as that for damage does.
    """
    if settings.latency_margin <= 0.0:
        return ""
    limit = math.log1p(settings.latency_margin)
    measured = math.fsum(
        log_evidence_of_more(limit - one.mean, one.variance, one.requests, settings.margin_alpha)
        for one in _differences(evidence)
    )
    if measured >= -math.log(settings.margin_alpha):
        return ""
    return f"It is not yet shown that it is not slower by {settings.latency_margin:.0%}."


def _variance_of_blocks(stage: StageCounts) -> float:
    """Variance of the mean difference as the stretches of time show it; 0.0 while there are too few."""
    blocks = stage.blocks
    if blocks < FEWEST_BLOCKS:
        return 0.0
    squares = stage.block_squares - stage.block_sum * stage.block_sum / blocks
    return squares / (blocks - 1) / blocks


def _is_lasting(stages: tuple[StageCounts, ...]) -> bool:
    """Counts without blocks, which no collector makes, are taken at their word."""
    blocks = sum(stage.blocks for stage in stages)
    slower = sum(stage.blocks_slower for stage in stages)
    return blocks == 0 or (blocks >= FEWEST_BLOCKS and 2 * slower > blocks)


def _is_slower(candidate: ArmCounts, stable: ArmCounts, ratio: float, settings: JudgeSettings) -> bool:
    ours, theirs = candidate.latency_mean, stable.latency_mean
    if ours is None or theirs is None:
        return False
    return ours > theirs * ratio and ours > theirs + settings.latency_floor


def _is_slower_alone(evidence: Evidence, stable: ArmCounts, settings: JudgeSettings) -> bool:
    stage = evidence.current
    if stage is None or stage.share < 1.0 or stage.candidate.requests < settings.min_requests:
        return False
    recent = stage.recent if stage.recent is not None else stage.candidate
    ours, theirs = recent.latency_mean, stable.latency_mean
    if ours is None or theirs is None or not _is_lasting((stage,)) or 2 * recent.slow < recent.timed:
        return False
    return ours > theirs * settings.alone_latency_ratio and ours > theirs + settings.alone_latency_floor


def _words(candidate: ArmCounts, stable: ArmCounts) -> str:
    ours, theirs = candidate.latency_mean, stable.latency_mean
    if ours is None or theirs is None:
        return ""
    slow = ""
    if candidate.timed and stable.timed:
        slow = (
            f"; {candidate.slow / candidate.timed:.0%} of its requests are slow, {stable.slow / stable.timed:.0%} there"
        )
    return f"Mean answer {ours * 1000:.0f} ms, current release {theirs * 1000:.0f} ms{slow}."


def _alone_words(evidence: Evidence, stable: ArmCounts, settings: JudgeSettings) -> str:
    stage = evidence.current
    recent = None if stage is None else stage.recent or stage.candidate
    ours = (recent.latency_mean if recent else None) or 0.0
    return (
        f"With all traffic the new release lately takes {ours * 1000:.0f} ms on average, more than "
        f"{settings.alone_latency_ratio:g} times the {1000 * (stable.latency_mean or 0.0):.0f} ms of the former one. "
        "Nothing runs beside it to compare with: it may be the release or the machine. It ends with the slowness."
    )
