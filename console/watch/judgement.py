"""From the settings of an environment to the tolerances of the judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.analysis.budget import AlphaBudget
from console.analysis.settings import JudgeSettings


def judge_settings(arguments: Mapping[str, Any]) -> JudgeSettings:
    """Build tolerances from a plan's `judge` arguments; missing ones take the judge's own."""
    default = JudgeSettings()
    return JudgeSettings(
        alpha=AlphaBudget(float(arguments.get("alpha", default.alpha.total))),
        floor=float(arguments.get("floor", default.floor)),
        min_requests=int(arguments.get("min_requests", default.min_requests)),
        max_error_rate=float(arguments.get("max_error_rate", default.max_error_rate)),
    )
