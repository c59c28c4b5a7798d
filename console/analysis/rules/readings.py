"""How one more reading of a gauge changes what is counted of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from console.analysis.evidence import GaugePair
from console.analysis.fixed.gauges import Direction
from console.analysis.settings import MetricRule


def add_reading(
    pair: GaugePair,
    candidate: float | None,
    stable: float | None,
    rule: MetricRule | None,
    *,
    compares: bool,
    keep: int,
) -> GaugePair:
    """Add what was read of both arms at one time; None of an arm that nobody measured then.

    Args:
        rule: What is tolerated; without one only the readings are kept.
        compares: Whether both arms get traffic now, so that one may be held against the other.
        keep: Readings of each arm that stay, the last ones.
    """
    ours = pair.candidate if candidate is None else (*pair.candidate, candidate)[-keep:]
    theirs = pair.stable if stable is None else (*pair.stable, stable)[-keep:]
    changed = replace(pair, candidate=ours, stable=theirs)
    if rule is None or candidate is None:
        return changed
    both_beyond = stable is not None and _is_beyond(stable, rule)
    is_beyond = _is_beyond(candidate, rule) and not both_beyond
    changed = replace(changed, beyond=pair.beyond + 1 if is_beyond else 0)
    if stable is None or not compares:
        return changed
    slack = abs(stable) * rule.tolerance
    return replace(
        changed,
        pairs=pair.pairs + 1,
        higher=pair.higher + (candidate > stable + slack),
        lower=pair.lower + (candidate < stable - slack),
    )


def _is_beyond(value: float, rule: MetricRule) -> bool:
    if rule.limit is None:
        return False
    return value < rule.limit if rule.direction is Direction.DECREASE else value > rule.limit
