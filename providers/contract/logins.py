"""Login roles of a PostgreSQL that take turns, as the engine needs them.

One role has one password at a time, so a new password beside the old one takes a second role. `admin` is always the
address of the same database as somebody who may make and alter both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from console.domain.rotation import Turn


@dataclass(frozen=True)
class Login:
    """What an address says besides the password. `place` is host and port, as written."""

    role: str
    database: str
    place: str


@dataclass(frozen=True)
class TurnFacts:
    """How the roles stand; `problems` say why they cannot take turns, each with what to do."""

    turn: Turn
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoleSessions:
    """Sessions of a role that look alike. `address` is empty where the admin may not see it."""

    application: str
    address: str
    database: str
    count: int

    def __str__(self) -> str:
        who = f"{self.application or 'unnamed'} at {self.address or 'an unknown address'}"
        return f"{who} in {self.database}" + (f" ({self.count})" if self.count > 1 else "")


class Logins(Protocol):
    """Everything raises `Unreachable`, `Unauthorized` or `Rejected`, without any password in their words."""

    def read(self, address: str) -> Login:
        """Take an address apart; raises UsageError for what is none, without quoting it."""
        ...

    def rewrite(self, address: str, role: str, password: str) -> str:
        """The same address for another role and password; nothing else of it changes."""
        ...

    def password_of(self, address: str) -> str: ...

    async def survey(self, admin: str, turn: Turn, fallback: str) -> TurnFacts:
        """Look at everything that must be right before the start.

        Args:
            fallback: Who owns what they make, where neither the turn nor the old role names somebody.
        """
        ...

    async def prepare(self, admin: str, turn: Turn, password: str) -> None:
        """Make the new role, or let it log in again, with all that the old one may. The same again is harmless."""
        ...

    async def try_out(self, admin: str, address: str, turn: Turn) -> str:
        """Log in as services will; answers where that was tried. Raises Rejected when it does not work as it must."""
        ...

    async def can_log_in(self, admin: str, role: str) -> bool: ...

    async def fetch_sessions(self, admin: str, role: str) -> Sequence[RoleSessions]: ...

    async def close(self, admin: str, role: str) -> None:
        """Forbid its log-in, forget its password, and end its sessions as far as the admin may. Harmless again."""
        ...

    async def reopen(self, admin: str, role: str, password: str) -> None:
        """Let it log in again with this password."""
        ...

    async def withdraw(self, admin: str, turn: Turn) -> str:
        """Close the new role, and remove it when the rotation made it; says in words what it left."""
        ...
