"""How a transfer of files tells where it stands, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`files` of `total` of this phase are done, and `sent` bytes of `size`; rates are the reader's to compute."""

    phase: str
    about: str
    files: int = 0
    total: int = 0
    sent: int = 0
    size: int = 0


class Stopped(Exception):
    """Somebody asked to stop. The same request goes on from there."""


Told = Callable[[Progress], None]
Reach = Callable[[str], None]
"""Called at named points at which a test may end the process."""

POINTS = (
    "scanned",  # the folder is in the journal, nothing was sent
    "intended",  # a file is marked as leaving, nothing was sent
    "begun",  # an upload in pieces has a name over there, which is not in the journal
    "piece",  # a piece was taken, the journal does not know
    "sent",  # a file is over there, the journal does not know
    "uploaded",  # the journal knows, it is not verified
    "verified",  # it is verified, which is in the journal
    "rewritten",  # references are rewritten, nothing is committed
)


def no_crash(point: str) -> None:
    """Go on."""


def never() -> bool:
    """Nobody asks to stop."""
    return False
