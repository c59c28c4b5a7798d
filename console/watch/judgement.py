"""From the settings of an environment to the tolerances of the judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from console.analysis.budget import REPORTS, AlphaBudget
from console.analysis.fixed.gauges import Direction
from console.analysis.rules.metrics import budget_name
from console.analysis.settings import Action, JudgeSettings, MetricRule

USERS = "reports"
"""The source of metrics that counts what users report."""


def judge_settings(arguments: Mapping[str, Any]) -> JudgeSettings:
    """Build tolerances from a plan's `judge` arguments; missing ones take the judge's own."""
    default = JudgeSettings()
    rules = metric_rules(arguments)
    return JudgeSettings(
        alpha=AlphaBudget(float(arguments.get("alpha", default.alpha.total)), _metrics(arguments, rules)),
        split_alpha=float(arguments.get("split_alpha", default.split_alpha)),
        floor=float(arguments.get("floor", default.floor)),
        min_requests=int(arguments.get("min_requests", default.min_requests)),
        max_error_rate=float(arguments.get("max_error_rate", default.max_error_rate)),
        latency_ratio=float(arguments.get("latency_ratio", default.latency_ratio)),
        latency_floor=float(arguments.get("latency_floor_s", default.latency_floor)),
        latency_margin=float(arguments.get("latency_margin", default.latency_margin)),
        on_errors=Action(arguments.get("on_errors", default.on_errors)),
        on_latency=Action(arguments.get("on_latency", default.on_latency)),
        on_reports=_on_reports(arguments, default.on_reports),
        on_alert=Action(arguments.get("on_alert", default.on_alert)),
        on_gauges=Action(arguments.get("on_gauges", default.on_gauges)),
        on_crash=Action(arguments.get("on_crash", default.on_crash)),
        on_probe=Action(arguments.get("on_probe", default.on_probe)),
        on_saturation=Action(arguments.get("on_saturation", default.on_saturation)),
        metrics=rules,
    )


def with_metrics_of(settings: JudgeSettings, arguments: Mapping[str, Any]) -> JudgeSettings:
    """The same tolerances with the metrics that a recorded stage was judged by: its counts were made by their rules."""
    rules = metric_rules(arguments)
    if not arguments.get("metrics"):
        return settings
    return replace(settings, metrics=rules, alpha=AlphaBudget(settings.alpha.total, _metrics(arguments, rules)))


def metric_rules(arguments: Mapping[str, Any]) -> tuple[MetricRule, ...]:
    """What is tolerated of the operator's own metrics, besides users' reports, which are counted."""
    return tuple(
        MetricRule(
            str(one["name"]),
            Direction(one.get("direction", Direction.INCREASE)),
            Action(one.get("action", Action.PAUSE)),
            float(one.get("tolerance", 0.1)),
            None if one.get("limit") is None else float(one["limit"]),
        )
        for one in arguments.get("metrics", ())
        if one.get("source") != USERS
    )


def _on_reports(arguments: Mapping[str, Any], default: Action) -> Action:
    """The gravest that any metric of reports asks for; they are counted together."""
    wanted = {one.get("action") for one in arguments.get("metrics", ()) if one.get("source") == USERS} - {"", None}
    gravest = next((action for action in (Action.ROLL_BACK, Action.PAUSE, Action.OBSERVE) if action in wanted), None)
    return gravest or Action(arguments.get("on_reports", default))


def _metrics(arguments: Mapping[str, Any], rules: Iterable[MetricRule]) -> tuple[str, ...]:
    """Reports take a part of the budget only where somebody counts them, other metrics where they may take back."""
    counted = any(one.get("source") == USERS for one in arguments.get("metrics", ()))
    own = [budget_name(rule) for rule in rules if rule.action is Action.ROLL_BACK]
    return (*AlphaBudget().metrics, *([REPORTS] if counted else []), *own)
