"""Whom a held step compares: the arm on trial with the other, or the instances that were updated with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.domain.traffic import split
from console.engine.work import Work


@dataclass(frozen=True)
class Sides:
    """`weights` are those that the step stands for, by arm or instance."""

    candidate: tuple[str, ...]
    stable: tuple[str, ...]
    weights: Mapping[str, int]

    @property
    def share(self) -> int:
        """Percent of the requests that whatever is on trial is to have."""
        return self.share_in(self.weights)

    def share_in(self, weights: Mapping[str, int]) -> int:
        return sum(weights.get(arm, 0) for arm in self.candidate)


def sides_of(work: Work) -> Sides:
    """As the plan wrote them."""
    arguments = work.step.arguments
    if "updated" in arguments:
        return Sides(tuple(work.argument("updated")), tuple(work.argument("current")), work.argument("weights"))
    candidate, stable = str(work.argument("candidate")), str(work.argument("stable"))
    return Sides((candidate,), (stable,), split(candidate, stable, int(work.argument("weight"))))
