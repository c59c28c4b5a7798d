"""Emergencies: which gates were passed over, until when that was allowed, and the review that another person closes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from console.domain.ids import Actor


class Gate(StrEnum):
    """What an emergency deployment may pass over, where the environment says so."""

    CHECKS = "checks"
    APPROVALS = "approvals"
    BENCHMARK = "benchmark"
    BAKE = "bake"
    PROMOTION = "promotion"
    FREEZE = "freeze"


GATE_WORDS = {
    Gate.CHECKS: "the commit's checks are shown but close no gate",
    Gate.APPROVALS: "no approval is waited for",
    Gate.BENCHMARK: "its speed is not compared",
    Gate.BAKE: "everybody gets it at once, without stages",
    Gate.PROMOTION: "stages that pass wait for nobody",
    Gate.FREEZE: "the freeze is passed over",
}


@dataclass(frozen=True)
class EmergencyTerms:
    """What a plan passes over, and how long it may wait for its start; fixed at planning."""

    skips: tuple[str, ...] = ()
    valid: timedelta = timedelta(minutes=30)

    @property
    def words(self) -> str:
        """What is passed over, as one sentence."""
        said = [GATE_WORDS.get(Gate(gate), gate) if gate in set(Gate) else gate for gate in self.skips]
        return f"{' and '.join(said)}." if said else "no gate is passed over here."


@dataclass(frozen=True)
class Review:
    """What an emergency leaves behind for somebody else to look at. `traced_at` is its address at the source."""

    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: Actor | None = None
    comment: str = ""
    traced_at: str = ""
    trace_closed: bool = False

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_untold(self) -> bool:
        """Whether the source still shows as open what was closed here."""
        return bool(self.closed_at and self.traced_at and not self.trace_closed)

    @property
    def word(self) -> str:
        return "open" if self.is_open else "closing" if self.is_untold else "closed"


@dataclass(frozen=True)
class Emergency:
    """One emergency deployment's permission. Records of earlier versions have neither a time nor a review."""

    reason: str
    skipped: tuple[str, ...]
    asked_by: tuple[Actor, ...]
    valid: timedelta | None = None
    expires_at: datetime | None = None
    review: Review | None = None

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


def declare(
    reason: str, asked_by: Actor, at: datetime, terms: EmergencyTerms | None, skipped_before: Iterable[Gate] = ()
) -> Emergency:
    """The permission as it is given. Without terms it was given by a version that knew none."""
    if terms is None:
        return Emergency(reason, tuple(skipped_before), (asked_by,))
    return Emergency(reason, terms.skips, (asked_by,), terms.valid, at + terms.valid, Review(at))
