"""A PostgreSQL and its physical standby, as the engine needs them. `address` leads to one server, with a role's rights.

Nothing here is ever done twice over: each change states what is to be, and done again it changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from console.domain.standby import Server


class Standbys(Protocol):
    """Everything raises `Unreachable`, `Unauthorized` or `Rejected`, without any password in their words."""

    def place_of(self, address: str) -> str:
        """Host and port, as written; raises UsageError for what is no address, without quoting it."""
        ...

    async def look(self, address: str) -> Server: ...

    async def fence(self, address: str) -> Server:
        """Let every new session begin read-only, end all others, and answer with what was written until then."""
        ...

    async def unfence(self, address: str) -> None:
        """Let sessions write again."""
        ...

    async def promote(self, address: str) -> Server:
        """Make a standby take writes, and wait until it does; answers with what it had replayed."""
        ...

    async def try_writing(self, address: str) -> None:
        """Begin a transaction that needs a writable server, and take it back. Raises Rejected where that fails."""
        ...
