"""Whether a request that went wrong is sent again, and after how long.

What may be repeated is, a few times within a few seconds; lasting trouble is the caller's to wait out. A request that
never left, or was turned away by a rate limit, had no effect and may always be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from console.domain.errors import ProviderError, RateLimited

if TYPE_CHECKING:
    from providers.exchange import Limits

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""Methods of which two are the same as one."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Patience:
    """How often and how soon. `jitter` is chance, 0 to 1."""

    limits: Limits
    jitter: Callable[[], float]

    def wait_after(self, error: ProviderError, attempt: int, spent: float, *, may_repeat: bool) -> float | None:
        """Seconds before the next attempt; None where there is to be none.

        Args:
            attempt: The one that went wrong, the first being 1.
            spent: Seconds that all attempts took together.
            may_repeat: Whether doing it twice is the same as once.
        """
        wait = self._wait(error, attempt)
        harmless = (error.transient and may_repeat) or _had_no_effect(error)
        is_over = attempt >= self.limits.attempts or spent + wait > self.limits.budget
        return wait if harmless and not is_over else None

    def _wait(self, error: ProviderError, attempt: int) -> float:
        backoff = min(self.limits.longest_wait, self.limits.first_wait * 2.0 ** (attempt - 1))
        wait = backoff * (0.5 + self.jitter())
        return max(wait, error.retry_after.total_seconds()) if isinstance(error, RateLimited) else wait


def _had_no_effect(error: ProviderError) -> bool:
    return isinstance(error, RateLimited) or isinstance(error.__cause__, NEVER_SENT)
