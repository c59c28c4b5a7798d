"""Everything that changes the world: a key before the call, three verbs, and what a platform says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar


class OperationStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_terminal(self) -> bool:
        return self is not OperationStatus.RUNNING


@dataclass(frozen=True)
class OperationKey:
    """Our name for one wish, on disk before the call.

    `intended_at` is our clock's time of that writing. Platforms without an idempotency key are searched for what was
    made since then; an adapter corrects it by the difference between the platform's `Date` header and our clock.
    """

    text: str
    intended_at: datetime

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Operation:
    """What a platform says about one thing it was asked.

    Args:
        reference: The platform's own id, enough for `observe` on a new connection.
        detail: One line for a person: the platform's own status, or the reason of a failure in its words.
        outputs: What later steps or the undo need (`{"previous": "dep-…", "url": "https://…"}`); JSON types only.
        poll_after: When to look again, where the platform has a rhythm; None leaves it to the caller.
    """

    reference: str
    status: OperationStatus
    detail: str = ""
    outputs: Mapping[str, object] = field(default_factory=dict)
    poll_after: timedelta | None = None


Request = TypeVar("Request", contravariant=True)


class Actuator(Protocol, Generic[Request]):
    """The one way to change something."""

    async def start(self, request: Request, key: OperationKey) -> Operation:
        """Begin, or return what the same key began before. Does not wait for the end."""
        ...

    async def observe(self, reference: str) -> Operation:
        """Say how it stands. An unknown reference is LOST; an ended operation stays ended."""
        ...

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        """After a crash between the call and its record: did that happen? None means it did not."""
        ...


@dataclass(frozen=True)
class Unsupported:
    """A thing this provider does not do, why, and what to do instead."""

    reason: str
    remedy: str = ""
