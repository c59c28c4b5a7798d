"""Say what went wrong in an exchange, as the contract's errors: what, where, what to do, and no secrets.

no connection, no answer in time, a cut connection, 5xx → Unreachable
429, and what `is_limited` recognises               → RateLimited, with how long to wait
401, 403                                            → Unauthorized
any other 4xx                                       → Rejected, quoting the platform
an answer that cannot be read                       → UnexpectedReply, with a redacted excerpt
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from console.domain.errors import ProviderError, RateLimited, Rejected, Unauthorized, UnexpectedReply, Unreachable
from providers.pacing import wait_after_refusal
from providers.redaction import excerpt, redact

REQUEST_IDS = ("render-request-id", "x-vercel-id", "x-github-request-id", "sb-request-id", "x-request-id")


def read_words(response: httpx.Response) -> str:
    """What a platform says in an error body: `message`, or `error.message`, or `error`; else the body itself."""
    try:
        body = response.json()
    except ValueError:
        return response.text
    if not isinstance(body, dict):
        return response.text
    error = body.get("error")
    nested = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return str(body.get("message") or nested or body.get("msg") or response.text)


@dataclass(frozen=True)
class Refusals:
    """The errors of one connection. `secrets` is shared with it and may grow."""

    provider: str
    platform: str
    secrets: Collection[str]
    words_of: Callable[[httpx.Response], str]
    is_limited: Callable[[httpx.Response], bool]
    wait_of: Callable[[Mapping[str, str], datetime], timedelta] = wait_after_refusal

    def of_status(self, request: httpx.Request, response: httpx.Response, now: datetime) -> ProviderError:
        """The error for an answer whose status is no success."""
        status, asked = response.status_code, describe(request)
        words, place, number = self._words(response), f"HTTP {status}", _request_id(response.headers)
        if status == 429 or self.is_limited(response):
            wait = self.wait_of(response.headers, now)
            return RateLimited(
                self.provider,
                f"{self.platform} wants fewer requests: {words}",
                f"{asked} · {place}",
                f"It may be asked again in {seconds(wait)}.",
                number,
                retry_after=wait,
            )
        if status in (401, 403):
            return Unauthorized(
                self.provider,
                f"{self.platform} does not let this token do {asked}: {words}",
                place,
                f"Check the token of [providers.{self.provider}]; `quarterdeck doctor` shows what it may do.",
                number,
            )
        if status >= 500:
            return Unreachable(
                self.provider,
                f"{self.platform} failed to answer {asked}: {words}",
                place,
                f"The fault is {self.platform}'s; asking again later may help.",
                number,
            )
        if status >= 400:
            return Rejected(self.provider, f"{self.platform} refused {asked}: {words}", place, "", number)
        return self.unexpected(f"status {status} to {asked}", status, response.headers, response.text)

    def unreachable(self, request: httpx.Request, error: Exception) -> Unreachable:
        """The error for an exchange that did not come to its end."""
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            reason = "no answer in time"
        else:
            reason = redact(str(error), self.secrets) or type(error).__name__
        return Unreachable(
            self.provider,
            f"{self.platform} cannot be reached: {reason}.",
            f"{describe(request)} · {request.url.host}",
            "Check the network between here and there, and the platform's status page.",
        )

    def used_up(self, limit_class: str, asked: str, wait: timedelta) -> RateLimited:
        """The error for a request that was not sent, because it would meet a limit that is known to be used up."""
        return RateLimited(
            self.provider,
            f"{self.platform}'s rate limit for {limit_class} requests is used up.",
            asked,
            f"It starts anew in {seconds(wait)}; nothing was sent.",
            retry_after=wait,
        )

    def unexpected(
        self, what: str, status: int, headers: Mapping[str, str], content: str = "", *, garbled: bool = False
    ) -> UnexpectedReply:
        """The error for an answer that makes no sense; `content` is shown shortened and without secrets."""
        shown = f": {excerpt(content, self.secrets)}" if content else "."
        return UnexpectedReply(
            self.provider,
            f"{self.platform} sent {what}{shown}",
            f"HTTP {status}",
            "Something between here and the platform may have answered in its place; else its API has changed.",
            _request_id(headers),
            garbled=garbled,
        )

    def _words(self, response: httpx.Response) -> str:
        if "html" in response.headers.get("content-type", ""):
            return "a web page instead of an answer"
        return excerpt(self.words_of(response), self.secrets) or "no reason given"


def describe(request: httpx.Request) -> str:
    """A request as messages name it: method and path, without its query."""
    return f"{request.method} {request.url.path}"


def seconds(wait: timedelta) -> str:
    return f"{wait.total_seconds():.0f} s"


def _request_id(headers: Mapping[str, str]) -> str:
    return next((headers[name] for name in REQUEST_IDS if name in headers), "")
