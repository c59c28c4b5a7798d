"""Times, lengths, shares and states as a report writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.traffic import say_weights
from console.domain.verdict import VerdictKind

ABSENT = "–"

STATUS_WORDS = {
    DeploymentStatus.REQUESTED: "requested",
    DeploymentStatus.WAITING: "waiting",
    DeploymentStatus.RUNNING: "running",
    DeploymentStatus.PAUSED: "paused",
    DeploymentStatus.ROLLING_BACK: "rolling back",
    DeploymentStatus.SUCCEEDED: "succeeded",
    DeploymentStatus.ROLLED_BACK: "rolled back",
    DeploymentStatus.ABORTED: "aborted",
    DeploymentStatus.FAILED: "failed",
}

STEP_MARKS = {
    StepStatus.PENDING: "·",
    StepStatus.WAITING: "⧖",
    StepStatus.RUNNING: "▶",
    StepStatus.SUCCEEDED: "✔",
    StepStatus.FAILED: "✖",
    StepStatus.SKIPPED: "⤼",
    StepStatus.UNDONE: "↩",
    StepStatus.LOST: "?",
}

VERDICT_MARKS = {
    VerdictKind.PASS: "✔",
    VerdictKind.FAIL: "✖",
    VerdictKind.INCONCLUSIVE: "?",
    VerdictKind.NOT_RUN: "⚠",
}

VERDICT_WORDS = {
    VerdictKind.PASS: "pass",
    VerdictKind.FAIL: "fail",
    VerdictKind.INCONCLUSIVE: "inconclusive",
    VerdictKind.NOT_RUN: "not run",
}


def moment(at: datetime | None) -> str:
    """`2026-11-22 06:16:03 UTC`."""
    return ABSENT if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock_time(at: datetime | None) -> str:
    """`06:16:03`."""
    return ABSENT if at is None else f"{at.astimezone(UTC):%H:%M:%S}"


def length(took: timedelta | None) -> str:
    """`0.42 s`, `5.2 s`, `48 s`, `3 min 12 s`, `1 h 02 min`."""
    if took is None:
        return ABSENT
    seconds = took.total_seconds()
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def percent(rate: float | None) -> str:
    """A share of 0..1 with as many digits as it deserves: `0 %`, `0.12 %`, `8.1 %`, `50 %`."""
    if rate is None:
        return ABSENT
    share = rate * 100
    if share == 0 or share >= 9.995:
        return f"{share:.0f} %"
    return f"{share:.2f} %" if share < 1 else f"{share:.1f} %"


def milliseconds(value: float | None) -> str:
    if value is None:
        return ABSENT
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def count(number: int | None) -> str:
    """With narrow gaps between thousands: `12 345`."""
    return ABSENT if number is None else f"{number:,}".replace(",", "\u202f")


def weights_text(weights: Mapping[str, int]) -> str:
    """`green 10 % · blue 90 %`."""
    return say_weights(weights) or ABSENT
