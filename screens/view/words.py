"""The words, glyphs and numbers that panes share. Every state has a glyph, a word and a tone: colour only repeats."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.failover import read_failover
from console.domain.hold import stands_aside
from console.domain.observations import Health
from console.domain.plan import Plan
from console.domain.recovery import RECOVERY
from console.domain.rotation import read_rotation
from console.domain.variables import SYNC
from console.domain.verdict import VerdictKind
from screens.view.rows import Span, Tone

COMMIT = re.compile("[0-9a-f]{40}")


class Sign(NamedTuple):
    """How one state looks and reads."""

    glyph: str
    word: str
    tone: Tone

    @property
    def span(self) -> Span:
        return Span(f"{self.glyph} {self.word}", self.tone)


DEPLOYMENT: dict[DeploymentStatus, Sign] = {
    DeploymentStatus.REQUESTED: Sign("○", "requested", "info"),
    DeploymentStatus.WAITING: Sign("◔", "waiting", "warn"),
    DeploymentStatus.RUNNING: Sign("▸", "running", "info"),
    DeploymentStatus.PAUSED: Sign("‖", "paused", "warn"),
    DeploymentStatus.ROLLING_BACK: Sign("↶", "rolling back", "warn"),
    DeploymentStatus.SUCCEEDED: Sign("✓", "succeeded", "good"),
    DeploymentStatus.ROLLED_BACK: Sign("↶", "rolled back", "warn"),
    DeploymentStatus.ABORTED: Sign("■", "aborted", "warn"),
    DeploymentStatus.FAILED: Sign("✗", "failed", "bad"),
}

STEP: dict[StepStatus, Sign] = {
    StepStatus.PENDING: Sign("·", "pending", "dim"),
    StepStatus.WAITING: Sign("◔", "waiting", "warn"),
    StepStatus.RUNNING: Sign("▸", "running", "info"),
    StepStatus.SUCCEEDED: Sign("✓", "done", "good"),
    StepStatus.FAILED: Sign("✗", "failed", "bad"),
    StepStatus.SKIPPED: Sign("–", "skipped", "dim"),
    StepStatus.UNDONE: Sign("↶", "undone", "warn"),
    StepStatus.LOST: Sign("?", "lost", "bad"),
}

HEALTH: dict[Health, Sign] = {
    Health.HEALTHY: Sign("●", "healthy", "good"),
    Health.DEGRADED: Sign("◐", "degraded", "warn"),
    Health.DOWN: Sign("✗", "down", "bad"),
    Health.UNKNOWN: Sign("?", "unknown", "dim"),
}

VERDICT: dict[VerdictKind, Sign] = {
    VerdictKind.PASS: Sign("✓", "pass", "good"),
    VerdictKind.FAIL: Sign("✗", "fail", "bad"),
    VerdictKind.INCONCLUSIVE: Sign("◔", "inconclusive", "warn"),
    VerdictKind.NOT_RUN: Sign("–", "not run", "warn"),
}

LEVEL: dict[str, Sign] = {
    "error": Sign("✗", "ERROR", "bad"),
    "critical": Sign("✗", "CRIT", "bad"),
    "fatal": Sign("✗", "FATAL", "bad"),
    "warning": Sign("!", "WARN", "warn"),
    "warn": Sign("!", "WARN", "warn"),
    "info": Sign(" ", "info", "dim"),
    "debug": Sign(" ", "debug", "dim"),
}

ASCII = str.maketrans(
    "○◔▸‖↶✓■✗·–●◐…─━│→←↑↓█░▁▂▃▄▅▆▇×—≤≥≈‹›▌⏎▪",
    "o~>=<+#x.-o@.--|><^v#.__--=+*x-<>~<>|>*",
)
"""The same pictures on terminals whose font has only ASCII: one cell for one cell."""


def clock(at: datetime | None) -> str:
    """The time of day in UTC: absolute, so that an idle screen has nothing to repaint."""
    return "--:--:--" if at is None else f"{at.astimezone(UTC):%H:%M:%S}"


def day_and_time(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def span_of(duration: timedelta | float | None) -> str:
    """`8s`, `3m12s`, `2h05m`, `4d03h`; a negative duration is `0s`."""
    if duration is None:
        return ""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    total = max(0, int(seconds))
    if total < 60:
        return f"{total}s"
    if total < 3600:
        return f"{total // 60}m{total % 60:02d}s"
    if total < 86400:
        return f"{total // 3600}h{total % 3600 // 60:02d}m"
    return f"{total // 86400}d{total % 86400 // 3600:02d}h"


def fine_span(duration: timedelta | None) -> str:
    """Like `span_of`, with tenths below ten seconds: how fast traffic came back matters to the tenth."""
    if duration is None:
        return ""
    seconds = duration.total_seconds()
    return f"{seconds:.1f}s" if seconds < 10 else span_of(seconds)


def number(value: float) -> str:
    return f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A share of 0..1 as percent with the digits that matter."""
    if share is None:
        return "–"
    value = share * 100
    if value == 0 or value >= 9.95:
        return f"{value:.0f}%"
    return f"{value:.1f}%" if value >= 0.095 else f"{value:.2f}%"


def milliseconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value / 1000:.1f}s" if value >= 10_000 else f"{value:.0f}ms"


def memory(value: float | None) -> str:
    if value is None:
        return "–"
    mib = value / 2**20
    return f"{mib / 1024:.1f}G" if mib >= 1000 else f"{mib:.0f}M"


def rate(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}/s" if value >= 10 or value == 0 else f"{value:.1f}/s"


def cores(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def short_release(name: str) -> str:
    """A whole commit hash by its first eight characters, any other name as it is."""
    return name[:8] if COMMIT.fullmatch(name) else name


def subject(plan: Plan) -> str:
    """What a deployment is about: its release, or where that stays, what is done: `restart`, `failover back`."""
    stays = plan.strategy == SYNC or stands_aside(plan.strategy) or read_failover(plan.strategy) is not None
    if not stays and read_rotation(plan.strategy) is None:
        return plan.release.name
    return plan.strategy.removeprefix(RECOVERY).replace(":", " ")


def plural(count: int, noun: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def yes_no(value: bool) -> str:
    return "yes" if value else "no"


def evidence_words(key: str, value: object) -> str:
    """One figure of a verdict in words: `canary_errors: 12` reads `canary errors 12`."""
    name = key.replace("_", " ")
    if isinstance(value, bool):
        return f"{name} {yes_no(value)}"
    if isinstance(value, float):
        if key.endswith(("rate", "share")) and 0 <= value <= 1:
            return f"{name} {percent(value)}"
        return f"{name} {value:,.3g}" if abs(value) < 1000 else f"{name} {value:,.0f}"
    if isinstance(value, int):
        return f"{name} {value:,}"
    return f"{name} {value}"
