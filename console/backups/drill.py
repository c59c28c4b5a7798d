"""How well one would come back: how old the newest proven backup is, and how long restoring it took when it was tried.

Every proof is a drill, since it restores; its time is kept with the backup. `RPO` is what would be lost now: the age
of the newest verified backup. `RTO` is the time of the newest proof: opening, restoring and comparing. Where a person
has to decide first, that comes on top.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.backups.values import Backup, State

LATE = 1.5
"""A newest verified backup that is older than this many of its periods is too old: one run was missed, or failed."""


@dataclass(frozen=True)
class Standing:
    """How the backups of one name stand at a moment.

    Attributes:
        newest: The newest whole one, whatever is known of it.
        verified: The newest verified one.
        drilled_at: When a restore was last tried.
        rpo_s: Seconds between the newest verified backup and now; None where there is none.
        rto_s: Seconds that the last successful restore took; None where none did.
        damaged: Ids of damaged ones.
    """

    name: str
    newest: Backup | None
    verified: Backup | None
    drilled_at: datetime | None
    rpo_s: float | None
    rto_s: float | None
    damaged: tuple[str, ...] = ()

    def problem(self, every: timedelta) -> str:
        """Why somebody should look; empty where all is as it is wanted.

        Args:
            every: How old the newest backup may become; nothing where none is taken by itself.
        """
        if self.newest is not None and self.newest.id in self.damaged:
            return "the newest backup is damaged"
        if every and self.rpo_s is None:
            return "no backup is verified"
        if every and self.rpo_s is not None and self.rpo_s > LATE * every.total_seconds():
            return "the newest verified backup is too old"
        return ""


def stand(name: str, backups: Iterable[Backup], now: datetime) -> Standing:
    """Sum up the backups of one name."""
    own = sorted(
        (one for one in backups if one.name == name and one.state is not State.TAKING),
        key=lambda one: one.at,
        reverse=True,
    )
    verified = next((one for one in own if one.is_verified), None)
    proofs = sorted((one.proof for one in own if one.proof is not None), key=lambda proof: proof.at, reverse=True)
    timed = next((proof for proof in proofs if proof.verified), None)
    return Standing(
        name,
        own[0] if own else None,
        verified,
        proofs[0].at if proofs else None,
        (now - verified.at).total_seconds() if verified else None,
        timed.total_s if timed else None,
        tuple(one.id for one in own if one.state is State.DAMAGED),
    )
