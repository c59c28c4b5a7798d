"""Replacing a secret: what is asked for, and what must be known before. Digests in the place of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.domain.variables import ABSENT

ROTATION = "rotation:"
"""What the name of the strategy begins with: `rotation:variable:SESSION_SECRET`."""

VARIABLE = "variable"
API_KEY = "api-key"
DATABASE = "database"
NEW = "new"
"""Stands in a plan for the digest of a value that does not exist yet."""


@dataclass(frozen=True)
class Rotation:
    """`name` is the variable by which the consumers get the secret; `provider` issues it where somebody does."""

    kind: str
    name: str
    provider: str = ""

    @property
    def strategy(self) -> str:
        return f"{ROTATION}{self.kind}:{self.name}" + (f":{self.provider}" if self.provider else "")


@dataclass(frozen=True)
class Turn:
    """Two login roles of one database that take turns: the one that goes, and the one that comes.

    Args:
        owner: The role that both act as, so that what either makes belongs to it; empty until the database was asked.
        exists: Whether the new one is there already, without a login.
    """

    old: str
    new: str
    owner: str = ""
    exists: bool = False


@dataclass(frozen=True)
class SecretFacts:
    """How the secret stands before it is replaced.

    Args:
        digest: Of the value that the reference leads to; `ABSENT` when it leads nowhere, and `problem` says why.
        actual: By target and variable, what the consumers have now.
        key: The platform's id of the API key that it is, and the platform's word for its kind.
        turn: The login roles of the database whose address it is.
    """

    digest: str = ABSENT
    actual: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problem: str = ""
    key: str = ""
    key_kind: str = ""
    turn: Turn | None = None


def read_rotation(strategy: str) -> Rotation | None:
    """The rotation that a strategy stands for; None for any other strategy."""
    if not strategy.startswith(ROTATION):
        return None
    kind, name, provider, *_ = [*strategy.removeprefix(ROTATION).split(":", 2), "", ""]
    return Rotation(kind, name, provider)
