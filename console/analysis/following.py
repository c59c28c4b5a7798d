"""What follows from a verdict for the stage that is held: the one rule by which the engine and the simulation go."""

from __future__ import annotations

from enum import StrEnum

from console.domain.verdict import Verdict


class Next(StrEnum):
    """`GIVE_UP` and `LET_GO` end a doubt that outlasted its time, as the configuration says."""

    HOLD = "hold"
    GO_ON = "go on"
    TAKE_BACK = "take back"
    GIVE_UP = "give up"
    LET_GO = "let go"


def what_follows(verdict: Verdict, *, is_over: bool, is_late: bool, undecided: str) -> Next:
    """Damage ends a stage at any time, a pass once the bake time is over; doubt holds it.

    Args:
        is_over: The bake time is over.
        is_late: So is the time for which doubt holds a stage beyond it.
        undecided: What then follows: `rollback`, `promote`, or anything else to wait for a person.
    """
    if verdict.is_fail:
        return Next.TAKE_BACK
    if not is_over:
        return Next.HOLD
    if verdict.is_pass:
        return Next.GO_ON
    if not is_late:
        return Next.HOLD
    return {"rollback": Next.GIVE_UP, "promote": Next.LET_GO}.get(undecided, Next.HOLD)
