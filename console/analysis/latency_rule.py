"""Is the canary slower? By counting requests above a threshold that was set from the baseline before they came.

With the baseline's 75th percentile as the threshold about a quarter of fair requests are slow, so slow requests are
divided like errors: the same exact test tells whose they are. Heavy tails and units do not matter, nor does the
threshold's height as long as it depends on the past alone, so that it follows a machine that slows down or recovers.
Because any difference, however small, is found in the end, a rollback also asks that the mean is worse by a factor and
by some seconds. And because one hiccup of a machine makes many requests slow at once, which the test would take for as
many witnesses, it asks that the canary was the slower one in most stretches of time.

Alone, with all traffic on the canary, a slow machine and a slow release look the same, and a busy machine alone was
measured to answer seven times as slowly as minutes before (308 ms after 46 ms). A release that is slow by itself was
seen beside the baseline in the stages before. So latency alone never takes back, and holds only for what is gross
(a multiple of the former baseline, and half a second above it), lasting (most stretches of time of the stage, most
requests of the last looks) and still there: once the last looks are fine, the hold ends by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from console.analysis.error_share import log_e_of_stages
from console.analysis.evidence import ArmCounts, Evidence, StageCounts
from console.analysis.settings import JudgeSettings

FEWEST_BLOCKS = 5


@dataclass(frozen=True)
class LatencyFinding:
    log_evidence: float
    log_evidence_needed: float
    is_damage: bool
    is_doubt: bool
    words: str


def find_latency(evidence: Evidence, settings: JudgeSettings) -> LatencyFinding:
    """Weigh slow requests over all stages in which both arms ran; without a threshold nothing is claimed."""
    stages = evidence.concurrent
    log_evidence = log_e_of_stages((s.share, s.candidate.slow, s.stable.slow) for s in stages)
    candidate = sum((s.candidate for s in stages), ArmCounts())
    stable = sum((s.stable for s in stages), ArmCounts())
    words = _words(candidate, stable)
    needed = -math.log(settings.alpha_latency)
    enough = log_evidence >= needed and evidence.slow_threshold is not None
    if enough and _is_lasting(stages) and _is_slower(candidate, stable, settings.latency_ratio, settings):
        return LatencyFinding(log_evidence, needed, True, False, words)
    if _is_slower_alone(evidence, stable, settings):
        return LatencyFinding(log_evidence, needed, False, True, _alone_words(evidence, stable, settings))
    return LatencyFinding(log_evidence, needed, False, False, words)


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
