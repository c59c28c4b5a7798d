"""A platform that leads visitors to a promoted release through stages that were fixed there beforehand.

Nothing of ours judges such stages. A plan takes their time into account and says so; where somebody has to approve one
at the platform, no step would ever end, and the plan is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from providers.contract import PlatformStage


@dataclass(frozen=True)
class OwnStages:
    """What they mean for a plan. `lasts` is the time until everybody has the release; None without stages."""

    note: str
    refusals: tuple[str, ...] = ()
    lasts: timedelta | None = None


def weigh_stages(name: str, stages: Sequence[PlatformStage]) -> OwnStages:
    """Judge the stages that a service's platform reported; none is one move for everybody."""
    before = [stage for stage in stages if stage.percent < 100]
    if not before:
        return OwnStages(f"{name}: its platform cannot divide traffic; everybody gets the new release in one move.")
    waiting = [stage for stage in before if stage.lasts is None]
    if waiting:
        where = ", ".join(f"{stage.percent} %" for stage in waiting)
        what = f"{name}: its platform would give the new release to {where} of visitors and wait there for approval"
        remedy = "Give its stages a length, or turn them off, at the platform; this plan cannot approve them."
        return OwnStages(f"{what}.", (f"{what}. {remedy}",))
    lengths = [stage.lasts or timedelta() for stage in before]
    steps = ", ".join(
        f"{stage.percent} % for {lasts.total_seconds() / 60:g} min"
        for stage, lasts in zip(before, lengths, strict=True)
    )
    note = (
        f"{name}: its platform gives the new release to visitors in stages of its own: {steps}, then to everybody. "
        "Nothing judges them; taking the promotion back ends them at once."
    )
    return OwnStages(note, (), sum(lengths, timedelta()))
