"""What one exchange with a platform is given, and what comes out of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from providers.refusals import Refusals, describe

if TYPE_CHECKING:
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


def read_reply(request: httpx.Request, response: httpx.Response, ask: Ask, refusals: Refusals) -> Reply:
    """The answer as it was asked for.

    Raises:
        UnexpectedReply: It should be JSON and is not, or is empty where a GET has content.
    """
    status, headers = response.status_code, response.headers
    if ask.as_bytes:
        return Reply(status, headers, None, "", response.content)
    content = response.text
    is_empty = not content.strip()
    if is_empty and not ask.as_text and request.method == "GET" and status == 200:
        raise refusals.unexpected(f"an empty answer to {describe(request)}", status, headers, garbled=True)
    if ask.as_text or is_empty:
        return Reply(status, headers, None, content)
    try:
        return Reply(status, headers, json.loads(content), content)
    except (ValueError, RecursionError) as error:
        if not response.is_success:
            return Reply(status, headers, None, content)
        what = f"an answer to {describe(request)} that is not JSON"
        raise refusals.unexpected(what, status, headers, content, garbled=True) from error
