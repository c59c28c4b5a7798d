"""How each arm of each service does, against the arm it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.domain.deployment import Deployment
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, Health
from screens.store import ArmKey, Store
from screens.view import words
from screens.view.charts import sparkline
from screens.view.rows import Row, Span, column_width, fit_row, left, right, row

ERRORS_WORSE = 0.005
LATENCY_WORSE = 0.20
LATENCY_SHOWN = 0.05
HEALTH_WIDTH = 11
HEADROOM = 1.3
COLUMNS = {"errors": 8, "p95": 11, "rate": 7, "p50": 7, "cpu": 6, "memory": 7, "trend": 14}
"""Columns and their widths, the most important first: the last ones go where the pane is narrow."""
ORDER = ("errors", "p50", "p95", "rate", "cpu", "memory", "trend")


def baseline_of(arm: ArmHealth, arms: Sequence[ArmHealth], deployment: Deployment | None) -> ArmHealth | None:
    """The arm that a candidate is compared with; None for a baseline itself, or where nothing is on trial."""
    if deployment is None:
        return None
    candidate = deployment.plan.candidate_arms.get(arm.service)
    if candidate is None or arm.arm != candidate:
        return None
    return next((other for other in arms if other.service == arm.service and other.arm != candidate), None)


@dataclass(frozen=True)
class _Table:
    """The widths that all lines share. `release` is 0 where there is no room for it."""

    width: int
    name: int
    arm: int
    release: int
    columns: tuple[str, ...]

    @property
    def heading(self) -> Row:
        text = left("service", self.name + 1) + left("arm", self.arm + 1)
        text += left("release", self.release + 1) if self.release else ""
        text += left("health", HEALTH_WIDTH)
        text += "".join(right("p95 trend" if name == "trend" else name, COLUMNS[name]) for name in self.columns)
        return fit_row(row(Span(text, "dim")), self.width)


def _table(arms: Sequence[ArmHealth], width: int) -> _Table:
    name = column_width((arm.service for arm in arms), 7, 14)
    arm = column_width((arm.arm for arm in arms), 3, 9)
    release = column_width((arm.release for arm in arms), 7, 12) if width >= 92 else 0
    room = width - name - arm - release - 3 - HEALTH_WIDTH
    chosen: list[str] = []
    for column, size in COLUMNS.items():
        if size > room:
            break
        chosen.append(column)
        room -= size
    return _Table(width, name, arm, release, tuple(column for column in ORDER if column in chosen))


def health_rows(store: Store, environment: EnvironmentName, width: int) -> list[Row]:
    """A heading and a line for each arm; columns are left out where the width does not do."""
    arms = store.health.get(environment, ())
    if not arms:
        return [row(Span("Nothing is measured here yet.", "dim"))]
    deployment = store.latest_of(environment)
    table = _table(arms, width)
    rows = [table.heading]
    previous = ""
    trends = {
        (arm.service, arm.arm): [
            point.latency_p95 for point in store.trends.get(ArmKey(environment, arm.service, arm.arm), ())
        ]
        for arm in arms
    }
    for arm in arms:
        name = "" if arm.service == previous else arm.service
        previous = arm.service
        rows += _arm(table, name, arm, baseline_of(arm, arms, deployment), _trend(trends, arm))
    return rows


def _trend(trends: Mapping[tuple[ServiceName, str], Sequence[float | None]], arm: ArmHealth) -> str:
    """A sparkline whose height means the same for every arm of a service, so that they compare at a glance."""
    tallest = [value for (service, _), values in trends.items() if service == arm.service for value in values if value]
    return sparkline(trends[arm.service, arm.arm], COLUMNS["trend"] - 2, max(tallest, default=0.0) * HEADROOM)


def _arm(table: _Table, name: str, arm: ArmHealth, baseline: ArmHealth | None, trend: str) -> list[Row]:
    sign = words.HEALTH[arm.health]
    key = f"{arm.service}/{arm.arm}"
    line = row(
        Span(left(name, table.name) + " ", "strong"),
        Span(left(arm.arm, table.arm) + " ", "text"),
        Span(left(arm.release or "–", table.release) + " " if table.release else "", "dim"),
        Span(f"{sign.glyph} {left(sign.word, HEALTH_WIDTH - 2)}", sign.tone),
        *(_cell(column, arm, baseline, trend) for column in table.columns),
        key=key,
    )
    rows = [fit_row(line, table.width)]
    if arm.reason and arm.health is not Health.HEALTHY:
        rows.append(fit_row(row(" " * (table.name + 1), Span(arm.reason, sign.tone), key=key), table.width))
    return rows


def _cell(column: str, arm: ArmHealth, baseline: ArmHealth | None, trend: str) -> Span:
    size = COLUMNS[column]
    if column == "errors":
        return _error_cell(arm.error_rate, baseline, size)
    if column == "p50":
        return Span(right(words.milliseconds(arm.latency_p50), size))
    if column == "p95":
        return _latency_cell(arm.latency_p95, baseline.latency_p95 if baseline else None, size)
    if column == "rate":
        return Span(right(words.rate(arm.request_rate), size))
    if column == "cpu":
        return Span(right(words.cores(arm.cpu), size))
    if column == "memory":
        return Span(right(words.memory(arm.memory), size))
    return Span("  " + trend, "accent")


def _error_cell(value: float | None, baseline: ArmHealth | None, size: int) -> Span:
    text = words.percent(value)
    expected = (baseline.error_rate or 0.0) if baseline else 0.0
    if value is None or value - expected < ERRORS_WORSE:
        return Span(right(text, size))
    return Span(right(f"{text} ↑" if baseline else text, size), "bad")


def _latency_cell(value: float | None, baseline: float | None, size: int) -> Span:
    text = words.milliseconds(value)
    change = value / baseline - 1 if value is not None and baseline else 0.0
    if abs(change) < LATENCY_SHOWN:
        return Span(right(text, size))
    marked = f"{text} {'↑' if change > 0 else '↓'}{abs(change) * 100:.0f}%"
    return Span(right(marked, size), "bad" if change > LATENCY_WORSE else "text")
