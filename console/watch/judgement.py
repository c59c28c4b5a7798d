"""From the settings of an environment to the tolerances of the judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.analysis.budget import REPORTS, AlphaBudget
from console.analysis.settings import Action, JudgeSettings


def judge_settings(arguments: Mapping[str, Any]) -> JudgeSettings:
    """Build tolerances from a plan's `judge` arguments; missing ones take the judge's own."""
    default = JudgeSettings()
    return JudgeSettings(
        alpha=AlphaBudget(float(arguments.get("alpha", default.alpha.total)), _metrics(arguments)),
        split_alpha=float(arguments.get("split_alpha", default.split_alpha)),
        floor=float(arguments.get("floor", default.floor)),
        min_requests=int(arguments.get("min_requests", default.min_requests)),
        max_error_rate=float(arguments.get("max_error_rate", default.max_error_rate)),
        latency_ratio=float(arguments.get("latency_ratio", default.latency_ratio)),
        latency_floor=float(arguments.get("latency_floor_s", default.latency_floor)),
        latency_margin=float(arguments.get("latency_margin", default.latency_margin)),
        on_errors=Action(arguments.get("on_errors", default.on_errors)),
        on_latency=Action(arguments.get("on_latency", default.on_latency)),
        on_reports=Action(arguments.get("on_reports", default.on_reports)),
        on_alert=Action(arguments.get("on_alert", default.on_alert)),
        on_gauges=Action(arguments.get("on_gauges", default.on_gauges)),
    )


def _metrics(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Reports take a part of the budget only where somebody counts them."""
    metrics = AlphaBudget().metrics
    return (*metrics, REPORTS) if arguments.get("counts_reports") else metrics
