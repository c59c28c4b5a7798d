"""What one exchange with a platform is given, and what comes out of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import httpx

SILENCE_GROWTH = 1.5


@dataclass(frozen=True)
class Limits:
    """How long to wait and how often to ask.

    `answer` bounds one whole exchange, `budget` all repetitions together; both seconds. A rate limit that asks for
    more than what is left of the budget is raised, not waited for. Silence is taken for an answer that was lost after
    `first_read` seconds where asking again does no harm, after half as long again each further time, and after `read`
    at last and everywhere else.
    """

    connect: float = 3.0
    first_read: float = 3.0
    read: float = 10.0
    answer: float = 20.0
    attempts: int = 6
    budget: float = 18.0
    first_wait: float = 0.25
    longest_wait: float = 3.0

    def silence(self, attempt: int) -> float:
        """Seconds of silence that are borne at this attempt, the first being 1, of something that may be repeated."""
        return min(self.read, self.first_read * SILENCE_GROWTH ** (attempt - 1))


@dataclass(frozen=True)
class Reply:
    """A whole answer. `json` is None when the body was empty or was asked for as text; `content` is of downloads."""

    status: int
    headers: httpx.Headers
    json: Any
    text: str
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Ask:
    """How one exchange is done and its answer read."""

    accept: Collection[int] = ()
    as_text: bool = False
    as_bytes: bool = False
    follow: bool | None = None
    answer: float | None = None
    bare: bool = False
