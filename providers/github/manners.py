"""How GitHub wants to be asked: headers, both of its limits, and how it refuses.

The primary limit is counted in headers. The secondary ones are documented only: 100 requests at once, 900 points in a
minute (a read takes one, a write five), 80 writes that create content in a minute and 500 in an hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from providers.allowances import Allowance
from providers.github.wire import read_message

if TYPE_CHECKING:
    import httpx

HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
AT_ONCE = 60
"""Below the documented 100: other programs may use the same token."""


def takes_points(method: str, path: str) -> int:
    return 1 if method in ("GET", "HEAD", "OPTIONS") else 5


def creates_content(method: str, path: str) -> int:
    """Which writes count is not documented, so that all do."""
    return 0 if method in ("GET", "HEAD", "OPTIONS") else 1


ALLOWANCES = (
    Allowance("points", 900, timedelta(minutes=1), takes_points),
    Allowance("writes", 80, timedelta(minutes=1), creates_content),
    Allowance("writes an hour", 500, timedelta(hours=1), creates_content),
)


def is_limited(response: httpx.Response) -> bool:
    """Both of GitHub's limits may answer 403: with nothing remaining, or with words and a time to wait."""
    if response.status_code != 403:
        return False
    headers = response.headers
    spent = headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in headers or "secondary rate limit" in response.text.lower()


def error_words(response: httpx.Response) -> str:
    """GitHub's words, and what the token lacks where a header says so."""
    try:
        told = read_message(response.json(), response.text)
    except ValueError:
        told = response.text
    lacks = response.headers.get("x-accepted-github-permissions", "") if response.status_code == 403 else ""
    return f"{told} (it takes the permission {lacks})" if lacks else told
