"""How requests are divided: the weights that were set, and those that the router reports."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from console.domain.ids import EnvironmentName
from console.domain.observations import ArmHealth
from screens.store import Store
from screens.view.charts import bar
from screens.view.rows import Row, Span, column_width, fit_row, left, right, row


def divided(arms: Sequence[ArmHealth]) -> list[list[ArmHealth]]:
    """The arms of each service that somebody divides requests between, services in their order."""
    groups = [list(group) for _, group in itertools.groupby(arms, key=lambda arm: arm.service)]
    return [group for group in groups if any(arm.weight is not None or arm.weight_set is not None for arm in group)]


def traffic_rows(store: Store, environment: EnvironmentName, width: int) -> list[Row]:
    """For each service a line an arm: bar, actual weight, and what was set wherever that differs."""
    groups = divided(store.health.get(environment, ()))
    if not groups:
        return [row(Span("No router divides traffic here.", "dim"))]
    arm_width = column_width((arm.arm for group in groups for arm in group), 4, 10)
    rows: list[Row] = []
    for group in groups:
        moved = any(_differs(arm) for arm in group)
        state = Span("setting …", "warn") if moved else Span("as set", "dim")
        rows.append(fit_row(row(Span(group[0].service, "strong"), "  ", state), width))
        rows += [_arm(arm, width, arm_width) for arm in group]
    return rows


def _differs(arm: ArmHealth) -> bool:
    return arm.weight is not None and arm.weight_set is not None and arm.weight != arm.weight_set


def _arm(arm: ArmHealth, width: int, arm_width: int) -> Row:
    weight = arm.weight if arm.weight is not None else arm.weight_set or 0
    target = f" set {arm.weight_set}%" if _differs(arm) else ""
    room = max(4, min(40, width - arm_width - 8 - (9 if target else 0)))
    filled, empty = bar(weight / 100, room)
    return fit_row(
        row(
            Span(f" {left(arm.arm, arm_width)} ", "text"),
            Span(filled, "bar"),
            Span(empty, "rule"),
            Span(right(f"{weight}%", 5), "strong" if weight else "dim"),
            Span(target, "warn"),
            key=f"{arm.service}/{arm.arm}",
        ),
        width,
    )
